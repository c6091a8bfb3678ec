// SPDX-License-Identifier: Apache-2.0
#include "archs/rope_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archs/testing/sample_model.h"

namespace pajamas {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::sample_config;

Json with(std::string_view class_name, std::string_view key, std::string_view value) {
  Json config = sample_config(class_name);
  config[std::string(key)] = Json::parse(value);
  return config;
}

RopeConfig rope_of(const Json& config) {
  const auto model = parse_model_config(config);
  EXPECT_TRUE(model) << model.error().message;
  return model ? model->rope : RopeConfig{};
}

std::string rope_error_of(const Json& config) {
  const auto model = parse_model_config(config);
  return model ? "" : model.error().message;
}

constexpr std::string_view kLlama = "LlamaForCausalLM";

TEST(RopeConfig, ReadsBothSpellingsOfScaling) {
  const RopeConfig by_type = rope_of(with(kLlama, "rope_scaling", R"({"type": "linear",
                                                                       "factor": 4})"));
  EXPECT_EQ(by_type.scaling, RopeScaling::kLinear);
  EXPECT_EQ(by_type.factor, 4.0);
  const RopeConfig parameters = rope_of(
      with(kLlama, "rope_parameters", R"({"rope_type": "default", "rope_theta": 5000000.0})"));
  EXPECT_EQ(parameters.scaling, RopeScaling::kNone);
  EXPECT_EQ(parameters.theta, 5e6);
}

TEST(RopeConfig, ReadsParametersByKindOfLayer) {
  const RopeConfig rope = rope_of(with("Gemma3ForCausalLM", "rope_parameters", R"({
      "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
      "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})"));
  EXPECT_EQ(rope.theta, 1e6);
  EXPECT_EQ(rope.local_theta, 1e4);
  EXPECT_EQ(rope.scaling, RopeScaling::kLinear);
}

TEST(RopeConfig, ReadsYarnAndItsOptionalNumbers) {
  const RopeConfig rope = rope_of(with("Qwen3ForCausalLM", "rope_scaling", R"({"type": "yarn",
      "factor": 4.0, "original_max_position_embeddings": 32768, "beta_fast": 32})"));
  EXPECT_EQ(rope.scaling, RopeScaling::kYarn);
  EXPECT_EQ(rope.original_context_length, 32768);
  EXPECT_EQ(rope.beta_fast, 32.0);
  EXPECT_FALSE(rope.beta_slow.has_value());
}

TEST(RopeConfig, TakesDynamicScalingForNone) {
  EXPECT_EQ(rope_of(with(kLlama, "rope_scaling", R"({"type": "dynamic", "factor": 2})")).scaling,
            RopeScaling::kNone);
}

struct BadRope {
  std::string_view json;
  std::string_view message;
};

TEST(RopeConfig, RejectsScalingItCannotExpress) {
  constexpr BadRope kBad[] = {
      {R"({"type": "linear"})", "needs a 'factor'"},
      {R"({"type": "linear", "factor": 0})", "'factor' is 0, expected more than 0"},
      {R"({"type": "yarn", "factor": "4"})", "'factor' is \"4\", expected"},
      {R"({"type": "spiral", "factor": 2})", "rope scaling 'spiral' is not supported"},
      {R"({"type": 4})", "'type' is 4, expected a string"},
      {R"({"type": "llama3", "low_freq_factor": 4, "high_freq_factor": 4})",
       "'high_freq_factor' is 4, expected more than 'low_freq_factor', which is 4"},
      {R"({"type": "longrope", "long_factor": [1, 2], "short_factor": [1, 1]})",
       "'long_factor' has 2 values, expected 1, one per rotated pair"},
      {R"({"type": "longrope", "long_factor": [1]})",
       "only one of 'long_factor' and 'short_factor'"},
      {R"({"type": "longrope", "long_factor": [0], "short_factor": [1]})",
       "'long_factor' has a value that is not a positive number at index 0"},
      {R"({"type": "longrope", "long_factor": {}, "short_factor": [1]})", "'long_factor' has 0"},
      {R"({"rope_theta": 1e-300})", "'rope_theta' is 1e-300, expected more than 0"},
      {R"({"original_max_position_embeddings": 0})", "is 0, expected 1 to"},
      {R"({"full_attention": 3})", "'full_attention' is not an object"},
      {R"({"partial_rotary_factor": 1.5})", "'partial_rotary_factor' is 1.5, expected at most 1"},
      {R"({"partial_rotary_factor": 0.5})", "0.5 rotates 1 dimensions of a head, expected an even"},
      {R"({"type": "linear", "factor": 2})", "readers of phi3 do not apply this model's rope"},
      {R"({"type": "yarn", "factor": 2})", "readers of phi3 do not apply this model's rope"},
  };
  for (const auto& [json, message] : kBad) {
    EXPECT_THAT(rope_error_of(with("Phi3ForCausalLM", "rope_scaling", json)), HasSubstr(message))
        << json;
  }
}

TEST(RopeConfig, RejectsScalingThatReadersOfTheFamilyLeaveOut) {
  const std::pair<std::string_view, std::string_view> kIgnored[] = {
      {"Gemma2ForCausalLM", R"({"type": "linear", "factor": 2})"},
      {"Qwen2ForCausalLM", R"({"type": "llama3", "factor": 8})"},
      {"LlamaForCausalLM", R"({"type": "longrope", "factor": 8})"},
  };
  for (const auto& [class_name, scaling] : kIgnored) {
    Json config = with(class_name, "rope_scaling", scaling);
    config["head_dim"] = 2;
    config["hidden_act"] = nullptr;
    EXPECT_THAT(rope_error_of(config), HasSubstr("do not apply this model's rope scaling"))
        << class_name;
  }
  Json partial = with(kLlama, "partial_rotary_factor", "0.5");
  partial["hidden_size"] = 32;
  EXPECT_THAT(rope_error_of(partial),
              HasSubstr("'partial_rotary_factor' is 0.5, but GGUF readers of llama rotate whole"));
}

// Llama 3.2 3B. The expected values come from the formula in numpy's float32.
TEST(RopeConfig, ComputesTheDivisorsOfLlama3) {
  Json config = with(kLlama, "rope_scaling",
                     R"({"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                         "original_max_position_embeddings": 8192, "rope_type": "llama3"})");
  config["rope_theta"] = 500000.0;
  config["head_dim"] = 128;
  const std::vector<float> factors = llama3_rope_factors(parse_model_config(config).value());
  ASSERT_EQ(factors.size(), 64U);
  EXPECT_THAT(std::vector(factors.begin(), factors.begin() + 29), Each(1.0F));
  EXPECT_THAT(std::vector(factors.begin() + 29, factors.begin() + 35),
              ElementsAre(testing::FloatEq(1.234937F), testing::FloatEq(1.6513293F),
                          testing::FloatEq(2.2766595F), testing::FloatEq(3.2922628F),
                          testing::FloatEq(5.171597F), testing::FloatEq(9.666731F)));
  EXPECT_THAT(std::vector(factors.begin() + 35, factors.end()), Each(32.0F));
}

TEST(RopeConfig, ComputesTheAttentionFactorOfALongContext) {
  Json config = with("Phi3ForCausalLM", "rope_scaling",
                     R"({"type": "longrope", "long_factor": [2], "short_factor": [1]})");
  config["max_position_embeddings"] = 131072;
  config["original_max_position_embeddings"] = 4096;
  ModelConfig model = parse_model_config(config).value();
  EXPECT_NEAR(long_context_attention_factor(model), 1.1902380714, 1e-9);
  model.rope.scaling = RopeScaling::kYarn;
  EXPECT_NEAR(long_context_attention_factor(model), 1.3465735903, 1e-9);
  model.context_length = 4096;
  EXPECT_EQ(long_context_attention_factor(model), 1.0);
}

TEST(RopeConfig, RotatesOnlyTheStatedPartOfAHead) {
  Json config = with("Phi3ForCausalLM", "partial_rotary_factor", "0.75");
  config["hidden_size"] = 512;
  EXPECT_EQ(rotated_dims(parse_model_config(config).value()), 96);
}

}  // namespace
}  // namespace pajamas
