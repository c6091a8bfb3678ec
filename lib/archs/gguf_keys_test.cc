// SPDX-License-Identifier: Apache-2.0
#include "archs/gguf_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// "key=value" with the type where it is not u32: the whole set, so that nothing more is written.
std::vector<std::string> keys_of(std::string_view config) {
  const auto model = parse_model_config(Json::parse(config));
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return {};
  std::vector<std::string> lines;
  const Metadata keys = gguf_keys(*model, model->vocab);
  for (const auto& [key, value] : keys.entries()) {
    if (const auto* count = std::get_if<std::uint32_t>(&value)) {
      lines.push_back(fmt::format("{}={}", key, *count));
    } else if (const auto* number = std::get_if<float>(&value)) {
      lines.push_back(fmt::format("{}=f32 {}", key, *number));
    } else {
      lines.push_back(fmt::format("{}={}", key, std::get<std::string>(value)));
    }
  }
  return lines;
}

TEST(GgufKeys, DescribeLlama32) {
  EXPECT_THAT(keys_of(R"({"architectures": ["LlamaForCausalLM"], "head_dim": 128,
      "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 131072,
      "num_attention_heads": 24, "num_hidden_layers": 28, "num_key_value_heads": 8,
      "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "vocab_size": 128256,
      "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192, "rope_type": "llama3"}})"),
              ElementsAre("general.architecture=llama", "llama.block_count=28",
                          "llama.context_length=131072", "llama.embedding_length=3072",
                          "llama.feed_forward_length=8192", "llama.attention.head_count=24",
                          "llama.attention.head_count_kv=8", "llama.rope.freq_base=f32 500000",
                          "llama.attention.layer_norm_rms_epsilon=f32 1e-05",
                          "llama.attention.key_length=128", "llama.attention.value_length=128",
                          "llama.vocab_size=128256", "llama.rope.dimension_count=128"));
}

TEST(GgufKeys, DescribeMixtral) {
  EXPECT_THAT(keys_of(R"({"architectures": ["MixtralForCausalLM"], "hidden_size": 4096,
      "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
      "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8,
      "num_local_experts": 8, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0,
      "vocab_size": 32000})"),
              ElementsAre("general.architecture=llama", "llama.block_count=32",
                          "llama.context_length=32768", "llama.embedding_length=4096",
                          "llama.feed_forward_length=14336", "llama.attention.head_count=32",
                          "llama.attention.head_count_kv=8", "llama.rope.freq_base=f32 1000000",
                          "llama.attention.layer_norm_rms_epsilon=f32 1e-05",
                          "llama.expert_count=8", "llama.expert_used_count=2",
                          "llama.vocab_size=32000", "llama.rope.dimension_count=128"));
}

TEST(GgufKeys, DescribeQwen3Moe) {
  EXPECT_THAT(
      keys_of(R"({"architectures": ["Qwen3MoeForCausalLM"], "hidden_size": 2048,
      "intermediate_size": 6144, "max_position_embeddings": 40960, "num_attention_heads": 32,
      "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768,
      "num_hidden_layers": 48, "num_key_value_heads": 4, "head_dim": 128, "rms_norm_eps": 1e-06,
      "rope_theta": 1000000.0, "decoder_sparse_step": 1, "mlp_only_layers": [],
      "rope_scaling": {"type": "yarn", "factor": 4.0, "beta_slow": 1,
        "original_max_position_embeddings": 32768}, "vocab_size": 151936})"),
      ElementsAre(
          "general.architecture=qwen3moe", "qwen3moe.block_count=48",
          "qwen3moe.context_length=40960", "qwen3moe.embedding_length=2048",
          "qwen3moe.feed_forward_length=6144", "qwen3moe.attention.head_count=32",
          "qwen3moe.attention.head_count_kv=4", "qwen3moe.rope.scaling.type=yarn",
          "qwen3moe.rope.scaling.factor=f32 4",
          "qwen3moe.rope.scaling.original_context_length=32768",
          "qwen3moe.rope.scaling.yarn_beta_slow=f32 1", "qwen3moe.rope.freq_base=f32 1000000",
          "qwen3moe.attention.layer_norm_rms_epsilon=f32 1e-06", "qwen3moe.expert_count=128",
          "qwen3moe.expert_used_count=8", "qwen3moe.attention.key_length=128",
          "qwen3moe.attention.value_length=128", "qwen3moe.expert_feed_forward_length=768"));
}

TEST(GgufKeys, DescribeGemma2) {
  EXPECT_THAT(
      keys_of(R"({"architectures": ["Gemma2ForCausalLM"], "hidden_size": 2304,
      "intermediate_size": 9216, "max_position_embeddings": 8192, "num_attention_heads": 8,
      "num_hidden_layers": 26, "num_key_value_heads": 4, "head_dim": 256, "rms_norm_eps": 1e-06,
      "rope_theta": 10000.0, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
      "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 4096, "vocab_size": 256000})"),
      ElementsAre(
          "general.architecture=gemma2", "gemma2.block_count=26", "gemma2.context_length=8192",
          "gemma2.embedding_length=2304", "gemma2.feed_forward_length=9216",
          "gemma2.attention.head_count=8", "gemma2.attention.head_count_kv=4",
          "gemma2.attention.layer_norm_rms_epsilon=f32 1e-06", "gemma2.attention.key_length=256",
          "gemma2.attention.value_length=256", "gemma2.attn_logit_softcapping=f32 50",
          "gemma2.final_logit_softcapping=f32 30", "gemma2.attention.sliding_window=4096"));
}

TEST(GgufKeys, DescribeGemma3InsideAMultimodalModel) {
  EXPECT_THAT(keys_of(R"({"architectures": ["Gemma3ForConditionalGeneration"], "text_config": {
      "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
      "rope_local_base_freq": 10000, "final_logit_softcapping": null,
      "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}})"),
              ElementsAre("general.architecture=gemma3", "gemma3.block_count=34",
                          "gemma3.context_length=131072", "gemma3.embedding_length=2560",
                          "gemma3.feed_forward_length=10240", "gemma3.attention.head_count=8",
                          "gemma3.attention.head_count_kv=4", "gemma3.rope.scaling.type=linear",
                          "gemma3.rope.scaling.factor=f32 8", "gemma3.rope.freq_base=f32 1000000",
                          "gemma3.rope.freq_base_swa=f32 10000",
                          "gemma3.attention.layer_norm_rms_epsilon=f32 1e-06",
                          "gemma3.attention.key_length=256", "gemma3.attention.value_length=256",
                          "gemma3.attention.sliding_window=1024"));
}

TEST(GgufKeys, DescribePhi4) {
  EXPECT_THAT(
      keys_of(R"({"architectures": ["Phi3ForCausalLM"], "hidden_size": 5120,
      "intermediate_size": 17920, "max_position_embeddings": 16384,
      "original_max_position_embeddings": 16384, "num_attention_heads": 40,
      "num_hidden_layers": 40, "num_key_value_heads": 10, "rms_norm_eps": 1e-05,
      "rope_scaling": null, "rope_theta": 250000, "sliding_window": null,
      "vocab_size": 100352})"),
      ElementsAre("general.architecture=phi3", "phi3.block_count=40", "phi3.context_length=16384",
                  "phi3.embedding_length=5120", "phi3.feed_forward_length=17920",
                  "phi3.attention.head_count=40", "phi3.attention.head_count_kv=10",
                  "phi3.rope.scaling.original_context_length=16384",
                  "phi3.rope.freq_base=f32 250000",
                  "phi3.attention.layer_norm_rms_epsilon=f32 1e-05",
                  "phi3.rope.dimension_count=128", "phi3.attention.sliding_window=0"));
}

TEST(GgufKeys, DescribeGraniteWithItsMultipliers) {
  EXPECT_THAT(
      keys_of(R"({"architectures": ["GraniteForCausalLM"], "hidden_size": 2048,
      "intermediate_size": 8192, "max_position_embeddings": 131072, "num_attention_heads": 32,
      "num_hidden_layers": 40, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
      "rope_theta": 10000000.0, "attention_multiplier": 0.015625, "embedding_multiplier": 12.0,
      "residual_multiplier": 0.25, "vocab_size": 49155})"),
      ElementsAre("general.architecture=granite", "granite.block_count=40",
                  "granite.context_length=131072", "granite.embedding_length=2048",
                  "granite.feed_forward_length=8192", "granite.attention.head_count=32",
                  "granite.attention.head_count_kv=8", "granite.rope.freq_base=f32 10000000",
                  "granite.attention.layer_norm_rms_epsilon=f32 1e-05", "granite.vocab_size=49155",
                  "granite.rope.dimension_count=64", "granite.attention.scale=f32 0.015625",
                  "granite.embedding_scale=f32 12", "granite.residual_scale=f32 0.25",
                  "granite.logit_scale=f32 1"));
}

}  // namespace
}  // namespace pajamas
