// SPDX-License-Identifier: Apache-2.0
#include "archs/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archs/arch_registry.h"
#include "archs/testing/sample_model.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::sample_config;

// The sample config with `key` set to the JSON in `value`, or taken out when that is empty.
Json edited(std::string_view class_name, std::string_view key, std::string_view value) {
  Json config = sample_config(class_name);
  config["num_experts"] = 4;
  config["num_experts_per_tok"] = 2;
  config["moe_intermediate_size"] = 8;
  if (value.empty()) {
    config.erase(std::string(key));
  } else {
    config[std::string(key)] = Json::parse(value);
  }
  return config;
}

std::string error_of(const Json& config) {
  const auto model = parse_model_config(config);
  return model ? "" : model.error().message;
}

struct BadValue {
  std::string_view key;
  std::string_view value;
  std::string_view message;
};

TEST(ModelConfig, RejectsSizesOutOfRange) {
  constexpr BadValue kBad[] = {
      {"num_hidden_layers", "0", "'num_hidden_layers' is 0, expected 1 to 512"},
      {"num_hidden_layers", "513", "'num_hidden_layers' is 513, expected 1 to 512"},
      {"num_hidden_layers", "", "'num_hidden_layers' is missing, expected 1 to 512"},
      {"num_hidden_layers", "\"2\"", "'num_hidden_layers' is \"2\", expected an integer"},
      {"num_hidden_layers", "2.5", "'num_hidden_layers' is 2.5, expected an integer"},
      {"num_hidden_layers", "[2]", "'num_hidden_layers' is [2], expected an integer"},
      {"hidden_size", "-8", "'hidden_size' is -8, expected 1 to"},
      {"hidden_size", "99999999999", "'hidden_size' is 99999999999, expected 1 to"},
      {"hidden_size", "18446744073709551615", "expected an integer below 2^63"},
      {"intermediate_size", "null", "'intermediate_size' is missing"},
      {"num_attention_heads", "0", "'num_attention_heads' is 0, expected 1 to"},
      {"num_attention_heads", "", "'num_attention_heads' is missing"},
      {"num_key_value_heads", "0", "'num_key_value_heads' is 0, expected 1 to"},
      {"num_key_value_heads", "3",
       "is 4, expected a multiple of 'num_key_value_heads', which is 3"},
      {"hidden_size", "10", "'hidden_size' is 10, expected a multiple of 'num_attention_heads'"},
      {"hidden_size", "12", "heads are 3 wide, expected an even number"},
      {"head_dim", "0", "'head_dim' is 0, expected 1 to"},
      {"vocab_size", "0", "'vocab_size' is 0, expected 1 to"},
      {"max_position_embeddings", "", "'max_position_embeddings' is missing"},
      {"rms_norm_eps", "0", "'rms_norm_eps' is 0, expected more than 0"},
      {"rms_norm_eps", "1e99", "'rms_norm_eps' is 1e+99, expected a finite number"},
      {"rms_norm_eps", "\"small\"", "'rms_norm_eps' is \"small\", expected"},
      {"tie_word_embeddings", "1", "'tie_word_embeddings' is 1, expected"},
      {"hidden_act", "\"relu2\"", "'hidden_act' is 'relu2', but llama models run with 'silu'"},
      {"rope_theta", "-1", "'rope_theta' is -1, expected more than 0"},
      {"rope_scaling", "[]", "'rope_scaling' is not an object"},
  };
  for (const auto& [key, value, message] : kBad) {
    EXPECT_THAT(error_of(edited("LlamaForCausalLM", key, value)), HasSubstr(message))
        << key << " = " << value;
  }
}

TEST(ModelConfig, RejectsExpertCountsOutOfRange) {
  constexpr BadValue kBad[] = {
      {"num_experts", "0", "'num_experts' is 0, expected 1 to 512"},
      {"num_experts", "100000", "'num_experts' is 100000, expected 1 to 512"},
      {"num_experts_per_tok", "5", "'num_experts_per_tok' is 5, expected 1 to 4"},
      {"moe_intermediate_size", "", "'moe_intermediate_size' is missing"},
      {"mlp_only_layers", "[0]", "'mlp_only_layers' is 1 entries, expected 0 entries: GGUF files"},
      {"decoder_sparse_step", "2", "'decoder_sparse_step' is 2, expected 1: GGUF files"},
  };
  for (const auto& [key, value, message] : kBad) {
    EXPECT_THAT(error_of(edited("Qwen3MoeForCausalLM", key, value)), HasSubstr(message))
        << key << " = " << value;
  }
}

TEST(ModelConfig, RejectsWeightsThatAreQuantizedAlready) {
  Json config = sample_config();
  config["quantization_config"] = {{"quant_method", "awq"}, {"bits", 4}};
  EXPECT_THAT(error_of(config), HasSubstr("the weights are quantized already (awq)"));
  config["quantization_config"] = {{"quant_method", "fp8"}};
  EXPECT_EQ(error_of(config), "");
  config.erase("quantization_config");
  config["quantization"] = {{"group_size", 64}, {"bits", 4}};
  EXPECT_THAT(error_of(config), HasSubstr("quantized already (unnamed method)"));
}

TEST(ModelConfig, RejectsHeadsThatReadersCannotBeTold) {
  EXPECT_THAT(
      error_of(edited("GraniteForCausalLM", "head_dim", "4")),
      HasSubstr("4 heads of 4 do not make up 'hidden_size' 8, which GGUF readers of granite"));
}

TEST(ModelConfig, RejectsASmolLm3ThatSkipsRotationElsewhere) {
  EXPECT_THAT(error_of(edited("SmolLM3ForCausalLM", "no_rope_layer_interval", "3")),
              HasSubstr("'no_rope_layer_interval' is 3, expected 4"));
}

TEST(ModelConfig, FillsInWhatTheConfigLeavesOut) {
  const Json config = edited("LlamaForCausalLM", "num_key_value_heads", "");
  const ModelConfig model = parse_model_config(config).value();
  EXPECT_EQ(model.kv_heads, 4);
  EXPECT_EQ(model.head_dim, 2);
  EXPECT_FALSE(model.head_dim_in_config);
  EXPECT_EQ(model.rms_norm_eps, 1e-6);
  EXPECT_EQ(model.rope.theta, 10000.0);
  EXPECT_EQ(model.experts, 0);
}

TEST(ModelConfig, KnowsWhatTheSparseGemma3ConfigsMean) {
  const Json config = Json::parse(R"({"architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
      "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
      "sliding_window": 1024}})");
  const ModelConfig model = parse_model_config(config).value();
  EXPECT_EQ(model.heads, 8);
  EXPECT_EQ(model.kv_heads, 4);
  EXPECT_EQ(model.head_dim, 256);
  EXPECT_EQ(model.context_length, 131072);
  EXPECT_EQ(model.vocab, 0);
  EXPECT_EQ(model.rope.theta, 1e6);
  EXPECT_EQ(model.rope.scaling, RopeScaling::kLinear);
  EXPECT_EQ(model.rope.factor, 8.0);
}

TEST(ModelConfig, PrefersTheTextPartOfAMultimodalConfig) {
  Json config = sample_config("Gemma3ForConditionalGeneration");
  config["text_config"] = {{"hidden_size", 16}, {"num_hidden_layers", 3}};
  const ModelConfig model = parse_model_config(config).value();
  EXPECT_EQ(model.hidden, 16);
  EXPECT_EQ(model.layers, 3);
  EXPECT_EQ(model.ffn, 16);  // only in the outer part
  config["text_config"] = 7;
  EXPECT_THAT(error_of(config), HasSubstr("'text_config' is not an object"));
}

TEST(ModelConfig, AcceptsIntegersWrittenAsFloats) {
  const Json config = edited("LlamaForCausalLM", "hidden_size", "8.0");
  EXPECT_EQ(parse_model_config(config).value().hidden, 8);
}

}  // namespace
}  // namespace pajamas
