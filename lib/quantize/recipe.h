// SPDX-License-Identifier: Apache-2.0
// Recipes: which type each tensor of a file gets, as tables that can be printed and diffed.
//
// A recipe is llama.cpp's "file type" (Q4_K_M, Q8_0, ...): a base type and an ordered list of
// rules; the first rule that matches a tensor wins, and the base type is used when none does. The
// decisions equal llama-quantize's for the same options. Method: docs/recipes.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace pajamas {

// What a tensor is for, told from its GGUF name.
enum class Role : std::uint8_t {
  kAny,  // in a rule: every role
  kOutput,
  kTokenEmbedding,
  kAttnV,  // attn_v, fused attn_qkv, and attn_kv_b
  kAttnK,
  kAttnQ,
  kAttnOutput,
  kFfnUp,
  kFfnGate,
  kFfnDown,
  kOther,
};

// Facts about a tensor and its model; a rule matches when all facts it names hold.
using Facts = std::uint32_t;
inline constexpr Facts kUnconditional = 0;
inline constexpr Facts kGqa4 = 1U << 0;          // at least 4 query heads share a key/value head
inline constexpr Facts kEightExperts = 1U << 1;  // exactly 8 experts
inline constexpr Facts kNotEightExperts = 1U << 2;
inline constexpr Facts kImatrix = 1U << 3;  // an importance matrix was given
inline constexpr Facts kNoImatrix = 1U << 4;
inline constexpr Facts kFalcon = 1U << 5;  // general.architecture is falcon
inline constexpr Facts kNotFalcon = 1U << 6;
inline constexpr Facts kFirst2 = 1U << 7;  // among the first 2 of its role
inline constexpr Facts kFirst4 = 1U << 8;
inline constexpr Facts kFirst16th = 1U << 9;  // in the first sixteenth of the layers
inline constexpr Facts kFirst8th = 1U << 10;
inline constexpr Facts kMoreBits = 1U << 11;        // first and last eighth, every third between
inline constexpr Facts kStackedExperts = 1U << 12;  // holds one matrix per expert

struct Rule {
  Role role;
  Facts when;
  DType dtype;
};

struct Recipe {
  std::string_view name;    // as llama-quantize spells it, "Q4_K_M"
  std::uint32_t file_type;  // general.file_type. Do not change: persisted.
  DType base;
  std::span<const Rule> rules;
  // Weights of the base type must have an imatrix entry (token embedding and output excepted).
  bool needs_imatrix = false;
};

std::span<const Recipe> all_recipes();
// By name, case-insensitive; "Q3_K", "Q4_K" and "Q5_K" mean their _M form.
const Recipe* find_recipe(std::string_view name);

// What the rules need to know of the model.
struct RecipeModel {
  std::string arch;  // general.architecture
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t experts = 0;
};

struct RecipeTensor {
  std::string name;                  // GGUF name
  Shape shape;                       // outermost first
  DType source_dtype = DType::kF32;  // what it keeps when it is not quantized
};

// "blk\..*ffn_down=q6_k": tensors whose name the regular expression finds get that type.
struct TensorTypeOverride {
  std::string pattern;
  DType dtype;
};

struct RecipeOptions {
  bool has_imatrix = false;
  bool pure = false;                 // base type everywhere, no rules
  bool leave_output_tensor = false;  // output.weight keeps its source type
  std::optional<DType> output_tensor_type;
  std::optional<DType> token_embedding_type;
  std::vector<TensorTypeOverride> tensor_types;  // first match wins
};

struct TypeDecision {
  DType dtype;
  bool is_quantizable = false;  // the recipe had a say; false: kept as it is by its nature
  bool is_fallback = false;     // rows did not fit the chosen type's block
};

Role role_of(std::string_view gguf_name);

// One decision per tensor, in order. `tensors` must be in file order: some rules count. Errors: a
// bad regular expression, a type whose block does not fit and that has no fallback.
Result<std::vector<TypeDecision>> choose_types(const Recipe& recipe, const RecipeModel& model,
                                               std::span<const RecipeTensor> tensors,
                                               const RecipeOptions& options);

// "REGEX=TYPE", as on the command line.
Result<TensorTypeOverride> parse_tensor_type(std::string_view text);

}  // namespace pajamas
