// SPDX-License-Identifier: Apache-2.0
#include "quantize/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::HasSubstr;

std::vector<RecipeTensor> llama_tensors(std::int64_t layers, bool is_tied) {
  std::vector<RecipeTensor> tensors;
  if (!is_tied) tensors.push_back({"output.weight", {512, 256}});
  tensors.push_back({"output_norm.weight", {256}});
  tensors.push_back({"token_embd.weight", {512, 256}});
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const char* name : {"attn_k", "attn_norm", "attn_output", "attn_q", "attn_v"}) {
      const bool is_norm = std::string_view(name) == "attn_norm";
      tensors.push_back(
          {fmt::format("blk.{}.{}.weight", layer, name), is_norm ? Shape{256} : Shape{256, 256}});
    }
    for (const char* name : {"ffn_down", "ffn_gate", "ffn_up"}) {
      tensors.push_back({fmt::format("blk.{}.{}.weight", layer, name), {256, 256}});
    }
  }
  return tensors;
}

DType chosen(std::string_view recipe, const RecipeModel& model, std::vector<RecipeTensor> tensors,
             const RecipeOptions& options, std::string_view name) {
  const auto decisions = choose_types(*find_recipe(recipe), model, tensors, options);
  EXPECT_TRUE(decisions) << decisions.error().message;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == name) return (*decisions)[i].dtype;
  }
  ADD_FAILURE() << name << " is not there";
  return DType::kBool;
}

struct Expectation {
  const char* recipe;
  const char* tensor;
  DType dtype;
};

class LlamaRecipe : public testing::TestWithParam<Expectation> {};

// 16 layers, 4 query heads a key head; each value follows from llama-quantize's rules.
TEST_P(LlamaRecipe, GivesTheTypeLlamaQuantizeGives) {
  const RecipeModel model{.arch = "llama", .layers = 16, .heads = 32, .kv_heads = 8};
  EXPECT_EQ(chosen(GetParam().recipe, model, llama_tensors(16, false), {}, GetParam().tensor),
            GetParam().dtype)
      << GetParam().recipe << " " << GetParam().tensor;
}

INSTANTIATE_TEST_SUITE_P(
    Table, LlamaRecipe,
    testing::Values(Expectation{"Q4_K_M", "output.weight", DType::kQ6_K},
                    Expectation{"Q4_K_M", "token_embd.weight", DType::kQ4_K},
                    Expectation{"Q4_K_M", "blk.1.attn_v.weight", DType::kQ6_K},  // first eighth
                    Expectation{"Q4_K_M", "blk.2.attn_v.weight", DType::kQ4_K},
                    Expectation{"Q4_K_M", "blk.4.ffn_down.weight", DType::kQ6_K},  // every third
                    Expectation{"Q4_K_M", "blk.5.ffn_down.weight", DType::kQ4_K},
                    Expectation{"Q4_K_M", "blk.14.ffn_down.weight", DType::kQ6_K},
                    Expectation{"Q4_K_M", "blk.0.attn_norm.weight", DType::kF32},
                    Expectation{"Q4_K_S", "blk.3.attn_v.weight", DType::kQ5_K},
                    Expectation{"Q4_K_S", "blk.4.attn_v.weight", DType::kQ4_K},
                    Expectation{"Q3_K_M", "blk.1.attn_v.weight", DType::kQ5_K},
                    Expectation{"Q3_K_M", "blk.0.ffn_down.weight", DType::kQ5_K},
                    Expectation{"Q3_K_M", "blk.1.ffn_down.weight", DType::kQ4_K},
                    Expectation{"Q3_K_L", "blk.9.attn_output.weight", DType::kQ5_K},
                    Expectation{"Q2_K", "blk.9.attn_v.weight", DType::kQ4_K},
                    Expectation{"Q2_K", "blk.9.attn_output.weight", DType::kQ3_K},
                    Expectation{"IQ4_XS", "blk.0.ffn_down.weight", DType::kQ5_K},
                    Expectation{"IQ4_XS", "blk.9.attn_v.weight", DType::kQ5_K},
                    Expectation{"TQ1_0", "token_embd.weight", DType::kQ4_K},
                    Expectation{"Q8_0", "output.weight", DType::kQ8_0},
                    Expectation{"MXFP4_MOE", "blk.3.ffn_up.weight", DType::kQ8_0},
                    Expectation{"F16", "blk.3.ffn_up.weight", DType::kF16}));

TEST(Recipe, ATiedEmbeddingIsTreatedAsTheOutput) {
  const RecipeModel model{.arch = "llama", .layers = 4, .heads = 8, .kv_heads = 8};
  EXPECT_EQ(chosen("Q4_0", model, llama_tensors(4, true), {}, "token_embd.weight"), DType::kQ6_K);
}

TEST(Recipe, EightExpertsGetQ8KeysAndValues) {
  const RecipeModel model{.arch = "llama", .layers = 4, .heads = 8, .kv_heads = 8, .experts = 8};
  const auto tensors = llama_tensors(4, false);
  EXPECT_EQ(chosen("Q4_0", model, tensors, {}, "blk.2.attn_k.weight"), DType::kQ8_0);
  EXPECT_EQ(chosen("Q4_0", model, tensors, {}, "blk.2.attn_v.weight"), DType::kQ8_0);
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, {}, "blk.2.attn_output.weight"), DType::kQ5_K);
}

TEST(Recipe, ValuesOfA70BModelGetFiveBits) {
  const RecipeModel model{.arch = "llama", .layers = 80, .heads = 64, .kv_heads = 8};
  EXPECT_EQ(chosen("Q4_K_M", model, llama_tensors(80, false), {}, "blk.10.attn_v.weight"),
            DType::kQ5_K);
}

TEST(Recipe, RowsThatDoNotFitFallBackAndSaySo) {
  const RecipeModel model{.arch = "llama", .layers = 1, .heads = 8, .kv_heads = 8};
  const std::vector<RecipeTensor> tensors = {{"blk.0.ffn_up.weight", {64, 288}},
                                             {"blk.0.ffn_gate.weight", {64, 100}}};
  const auto decisions = choose_types(*find_recipe("q5_k_s"), model, tensors, {});
  ASSERT_TRUE(decisions);
  EXPECT_EQ((*decisions)[0].dtype, DType::kQ5_1);
  EXPECT_EQ((*decisions)[1].dtype, DType::kF16);
  EXPECT_TRUE((*decisions)[0].is_fallback);
}

TEST(Recipe, ATypeWithoutFallbackIsAnErrorThatNamesTheTensor) {
  const RecipeModel model{.arch = "llama", .layers = 1, .heads = 8, .kv_heads = 8};
  const std::vector<RecipeTensor> tensors = {{"blk.0.ffn_up.weight", {64, 100}}};
  const auto decisions = choose_types(*find_recipe("Q8_0"), model, tensors, {});
  ASSERT_FALSE(decisions);
  EXPECT_THAT(decisions.error().message, HasSubstr("'blk.0.ffn_up.weight' has rows of 100"));
}

TEST(Recipe, OptionsOverrideTheRules) {
  const RecipeModel model{.arch = "llama", .layers = 16, .heads = 32, .kv_heads = 8};
  const auto tensors = llama_tensors(16, false);
  RecipeOptions options{.pure = true};
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, options, "output.weight"), DType::kQ4_K);
  options = {.leave_output_tensor = true};
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, options, "output.weight"), DType::kF32);
  options = {.output_tensor_type = DType::kQ8_0, .token_embedding_type = DType::kF16};
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, options, "output.weight"), DType::kQ8_0);
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, options, "token_embd.weight"), DType::kF16);
  options = {.tensor_types = {*parse_tensor_type("blk\\.[3-5]\\.FFN_up=q5_1")}};
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, options, "blk.4.ffn_up.weight"), DType::kQ5_1);
  EXPECT_EQ(chosen("Q4_K_M", model, tensors, options, "blk.6.ffn_up.weight"), DType::kQ4_K);
}

TEST(Recipe, ABadRegularExpressionIsAnError) {
  const RecipeOptions options{.tensor_types = {{"ffn_(", DType::kQ8_0}}};
  const auto decisions = choose_types(*find_recipe("Q8_0"), {}, {}, options);
  ASSERT_FALSE(decisions);
  EXPECT_THAT(decisions.error().message, HasSubstr("'ffn_(' is not a regular expression"));
}

TEST(Recipe, NamesAndFileTypesAreUniqueAndFoundInAnyCase) {
  for (const Recipe& recipe : all_recipes()) {
    for (const Recipe& other : all_recipes()) {
      EXPECT_TRUE(&recipe == &other || recipe.file_type != other.file_type) << recipe.name;
    }
    std::string lower(recipe.name);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    EXPECT_EQ(find_recipe(lower), &recipe);
  }
  EXPECT_EQ(find_recipe("Q4_K"), find_recipe("Q4_K_M"));
  EXPECT_EQ(find_recipe("Q7_0"), nullptr);
}

}  // namespace
}  // namespace pajamas
