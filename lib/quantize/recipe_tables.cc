// SPDX-License-Identifier: Apache-2.0
// The tables of all recipes. First match wins; kCommonRules (recipe.cc) come before these, and a
// tensor no rule names gets the base type. Source: llama.cpp's llama-quant.cpp of August 2026.
#include <algorithm>
#include <array>
#include <cctype>

#include "quantize/recipe.h"

namespace pajamas {
namespace {

constexpr auto kQ2K = std::to_array<Rule>({
    {Role::kAttnV, kGqa4, DType::kQ4_K},
    {Role::kAttnV, kUnconditional, DType::kQ3_K},
    {Role::kFfnDown, kUnconditional, DType::kQ3_K},
    {Role::kAttnOutput, kNotFalcon | kEightExperts, DType::kQ5_K},
    {Role::kAttnOutput, kNotFalcon, DType::kQ3_K},
});

constexpr auto kQ2KS = std::to_array<Rule>({
    {Role::kAttnV, kGqa4, DType::kQ4_K},
    {Role::kFfnDown, kFirst8th, DType::kQ4_K},
});

constexpr auto kQ3KS = std::to_array<Rule>({
    {Role::kAttnOutput, kNotFalcon | kEightExperts, DType::kQ5_K},
});

constexpr auto kQ3KM = std::to_array<Rule>({
    {Role::kAttnV, kFirst2, DType::kQ5_K},
    {Role::kAttnV, kUnconditional, DType::kQ4_K},
    {Role::kFfnDown, kFirst16th, DType::kQ5_K},
    {Role::kFfnDown, kNotFalcon, DType::kQ4_K},
    {Role::kFfnDown, kMoreBits, DType::kQ4_K},
    {Role::kAttnOutput, kNotFalcon | kEightExperts, DType::kQ5_K},
    {Role::kAttnOutput, kNotFalcon, DType::kQ4_K},
});

constexpr auto kQ3KL = std::to_array<Rule>({
    {Role::kAttnV, kUnconditional, DType::kQ5_K},
    {Role::kFfnDown, kFalcon, DType::kQ4_K},
    {Role::kFfnDown, kUnconditional, DType::kQ5_K},
    {Role::kAttnOutput, kFalcon, DType::kQ4_K},
    {Role::kAttnOutput, kNotEightExperts, DType::kQ5_K},
});

constexpr auto kQ4KS = std::to_array<Rule>({
    {Role::kAttnV, kFirst4, DType::kQ5_K},
    {Role::kFfnDown, kNotFalcon | kFirst8th, DType::kQ5_K},
    {Role::kAttnOutput, kNotFalcon | kEightExperts, DType::kQ5_K},
});

constexpr auto kQ4KM = std::to_array<Rule>({
    {Role::kAttnV, kMoreBits, DType::kQ6_K},
    {Role::kFfnDown, kFalcon | kFirst16th, DType::kQ6_K},
    {Role::kFfnDown, kFalcon | kMoreBits, DType::kQ5_K},
    {Role::kFfnDown, kNotFalcon | kMoreBits, DType::kQ6_K},
    {Role::kAttnOutput, kNotFalcon | kEightExperts, DType::kQ5_K},
});

constexpr auto kQ5KM = std::to_array<Rule>({
    {Role::kAttnV, kMoreBits, DType::kQ6_K},
    {Role::kFfnDown, kMoreBits, DType::kQ6_K},
});

constexpr auto kQ40 = std::to_array<Rule>({
    {Role::kFfnDown, kImatrix | kFirst8th, DType::kQ4_1},
});

constexpr auto kQ50 = std::to_array<Rule>({
    {Role::kFfnDown, kImatrix | kFirst8th, DType::kQ5_1},
});

constexpr auto kIQ4 = std::to_array<Rule>({
    {Role::kAttnV, kGqa4, DType::kQ5_K},
    {Role::kFfnDown, kNoImatrix | kFirst8th, DType::kQ5_K},
    {Role::kAttnOutput, kNotFalcon | kEightExperts, DType::kQ5_K},
});

constexpr auto kTernary = std::to_array<Rule>({
    {Role::kTokenEmbedding, kUnconditional, DType::kQ4_K},
});

constexpr auto kMxfp4Moe = std::to_array<Rule>({
    {Role::kAny, kStackedExperts, DType::kMXFP4},
    {Role::kAny, kUnconditional, DType::kQ8_0},
});

constexpr auto kRecipes = std::to_array<Recipe>({
    {.name = "F32", .file_type = 0, .base = DType::kF32, .rules = {}},
    {.name = "F16", .file_type = 1, .base = DType::kF16, .rules = {}},
    {.name = "BF16", .file_type = 32, .base = DType::kBF16, .rules = {}},
    {.name = "Q8_0", .file_type = 7, .base = DType::kQ8_0, .rules = {}},
    {.name = "Q6_K", .file_type = 18, .base = DType::kQ6_K, .rules = {}},
    {.name = "Q5_1", .file_type = 9, .base = DType::kQ5_1, .rules = {}},
    {.name = "Q5_K_M", .file_type = 17, .base = DType::kQ5_K, .rules = kQ5KM},
    {.name = "Q5_K_S", .file_type = 16, .base = DType::kQ5_K, .rules = {}},
    {.name = "Q5_0", .file_type = 8, .base = DType::kQ5_0, .rules = kQ50},
    {.name = "Q4_1", .file_type = 3, .base = DType::kQ4_1, .rules = {}},
    {.name = "Q4_K_M", .file_type = 15, .base = DType::kQ4_K, .rules = kQ4KM},
    {.name = "Q4_K_S", .file_type = 14, .base = DType::kQ4_K, .rules = kQ4KS},
    {.name = "IQ4_NL", .file_type = 25, .base = DType::kIQ4_NL, .rules = kIQ4},
    {.name = "IQ4_XS", .file_type = 30, .base = DType::kIQ4_XS, .rules = kIQ4},
    {.name = "Q4_0", .file_type = 2, .base = DType::kQ4_0, .rules = kQ40},
    {.name = "MXFP4_MOE", .file_type = 38, .base = DType::kMXFP4, .rules = kMxfp4Moe},
    {.name = "Q3_K_L", .file_type = 13, .base = DType::kQ3_K, .rules = kQ3KL},
    {.name = "Q3_K_M", .file_type = 12, .base = DType::kQ3_K, .rules = kQ3KM},
    {.name = "Q3_K_S", .file_type = 11, .base = DType::kQ3_K, .rules = kQ3KS},
    {.name = "Q2_K", .file_type = 10, .base = DType::kQ2_K, .rules = kQ2K},
    {.name = "Q2_K_S",
     .file_type = 21,
     .base = DType::kQ2_K,
     .rules = kQ2KS,
     .needs_imatrix = true},
    {.name = "TQ2_0", .file_type = 37, .base = DType::kTQ2_0, .rules = kTernary},
    {.name = "TQ1_0", .file_type = 36, .base = DType::kTQ1_0, .rules = kTernary},
});

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) ==
           std::toupper(static_cast<unsigned char>(y));
  });
}

}  // namespace

std::span<const Recipe> all_recipes() { return kRecipes; }

const Recipe* find_recipe(std::string_view name) {
  std::string wanted(name);
  for (const std::string_view shorthand : {"Q3_K", "Q4_K", "Q5_K"}) {
    if (same_name(name, shorthand)) wanted += "_M";
  }
  for (const Recipe& recipe : kRecipes) {
    if (same_name(recipe.name, wanted)) return &recipe;
  }
  return nullptr;
}

}  // namespace pajamas
