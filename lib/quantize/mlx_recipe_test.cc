// SPDX-License-Identifier: Apache-2.0
#include "quantize/mlx_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

constexpr auto kRouter = std::to_array<MlxRule>({{.module_suffix = "mlp.gate"}});

MlxDecision decide(std::string_view precision, std::string name,
                   const MlxRecipeOptions& options = {}, std::int64_t cols = 128,
                   std::span<const MlxRule> rules = {}) {
  const auto recipe = make_mlx_recipe(precision, options);
  EXPECT_TRUE(recipe) << recipe.error().message;
  const MlxModule module{.name = std::move(name), .shape = {64, cols}};
  return choose_mlx_quantization(*recipe, options, rules, 16, std::span(&module, 1)).front();
}

int bits(std::string_view precision, const std::string& path, const MlxRecipeOptions& options = {},
         std::span<const MlxRule> rules = {}) {
  const auto decision = decide(precision, path + ".weight", options, 128, rules);
  return decision.quantization ? decision.quantization->bits : 16;
}

TEST(MlxRecipe, MixedRecipesGiveMoreBitsToTheSensitiveLayers) {
  // 16 layers: the first 2, the last 2, and every third of those between.
  const std::string layer = "model.layers.";
  for (const int high : {0, 1, 4, 7, 10, 13, 14, 15}) {
    const std::string path = layer + std::to_string(high);
    EXPECT_EQ(bits("mixed_3_6", path + ".self_attn.v_proj"), 6) << high;
    EXPECT_EQ(bits("mixed_3_6", path + ".mlp.switch_mlp.down_proj"), 6) << high;
    EXPECT_EQ(bits("mixed_3_6", path + ".mlp.up_proj"), 3) << high;
  }
  for (const int low : {2, 3, 5, 6, 8, 12}) {
    EXPECT_EQ(bits("mixed_2_6", layer + std::to_string(low) + ".mlp.down_proj"), 2) << low;
  }
  EXPECT_EQ(bits("mixed_3_4", "lm_head"), 4);
  EXPECT_EQ(bits("mixed_4_6", "model.embed_tokens"), 4);
}

TEST(MlxRecipe, AMixedRecipeKeepsTheModelsOwnRules) {
  EXPECT_EQ(bits("mixed_2_6", "model.layers.3.mlp.gate", {}, kRouter), 8);
  EXPECT_EQ(bits("4bit", "model.layers.3.mlp.gate", {}, kRouter), 8);
  EXPECT_EQ(bits("4bit", "model.layers.3.mlp.gate_proj", {}, kRouter), 4);
}

TEST(MlxRecipe, EmbeddingAndHeadHaveOptionsOfTheirOwn) {
  const MlxRecipeOptions options{.embedding_bits = 6, .head_bits = 16};
  EXPECT_EQ(bits("2bit", "model.embed_tokens", options), 6);
  EXPECT_EQ(bits("2bit", "lm_head", options), 16);
  EXPECT_EQ(bits("2bit", "model.layers.0.mlp.up_proj", options), 2);
  const auto embedding = decide("mxfp4", "model.embed_tokens.weight", options).quantization;
  ASSERT_TRUE(embedding);
  EXPECT_EQ(*embedding, (MlxQuantization{MlxMode::kAffine, 6, 64}));
}

TEST(MlxRecipe, RowsThatAreNotWholeGroupsStayAsTheyAre) {
  const MlxDecision decision = decide("4bit", "a.weight", {}, 96);
  EXPECT_FALSE(decision.quantization);
  EXPECT_TRUE(decision.is_fallback);
  EXPECT_TRUE(decide("4bit", "a.weight", {.group_size = 32}, 96).quantization);
  EXPECT_FALSE(decide("4bit", "model.norm.weight").is_fallback);
}

TEST(MlxRecipe, NothingIsQuantizedWhenNothingIsAskedFor) {
  EXPECT_EQ(bits("bf16", "lm_head"), 16);
  EXPECT_EQ(bits("8bit", "lm_head"), 8);
  EXPECT_EQ(make_mlx_recipe("", {.bits = 5, .group_size = 32})->base,
            (MlxQuantization{MlxMode::kAffine, 5, 32}));
  EXPECT_EQ(make_mlx_recipe("", {.mode = "nvfp4"})->name, "nvfp4");
}

TEST(MlxRecipe, RefusesWhatContradictsItselfOrDoesNotExist) {
  const auto unknown = make_mlx_recipe("7bit", {});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("mixed_2_6"));
  EXPECT_FALSE(make_mlx_recipe("4bit", {.bits = 5}));
  EXPECT_FALSE(make_mlx_recipe("mxfp4", {.mode = "affine"}));
  EXPECT_FALSE(make_mlx_recipe("mxfp4", {.group_size = 64}));
  EXPECT_FALSE(make_mlx_recipe("4bit", {.embedding_bits = 7}));
}

}  // namespace
}  // namespace pajamas
