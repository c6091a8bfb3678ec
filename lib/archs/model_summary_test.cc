// SPDX-License-Identifier: Apache-2.0
#include "archs/model_summary.h"

#include <gtest/gtest.h>

#include "archs/testing/sample_model.h"

namespace pajamas {
namespace {

using namespace testing_support;

// Norms 3 * 8, attention 8*8 + 2 * 4*8 + 8*8, FFN 3 * 16*8.
constexpr std::int64_t kBlockParams = 24 + 192 + 384;

TEST(ModelSummary, CountsEveryWeightOnce) {
  const ModelSummary summary =
      summarize_model(map_to_gguf(sample_config(), sample_tensors()).value());
  EXPECT_FALSE(summary.tied);
  EXPECT_EQ(summary.params_non_embedding, kBlockParams);
  EXPECT_EQ(summary.params_total, kBlockParams + 2 * 160);
}

TEST(ModelSummary, CountsATiedHeadOnce) {
  Json config = sample_config("Olmo2ForCausalLM");  // whose files repeat the embedding
  config["tie_word_embeddings"] = true;
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.push_back(tensor("model.layers.0.post_feedforward_layernorm.weight", {8}));
  tensors.push_back(tensor("model.layers.0.self_attn.q_norm.weight", {8}));
  tensors.push_back(tensor("model.layers.0.self_attn.k_norm.weight", {4}));
  const ModelSummary summary = summarize_model(map_to_gguf(config, tensors).value());
  EXPECT_TRUE(summary.tied);
  EXPECT_EQ(summary.params_total - summary.params_non_embedding, 160);
}

TEST(ModelSummary, TellsTheSizes) {
  Json config = sample_config();
  config["rope_scaling"] = {{"type", "llama3"}, {"factor", 8.0}};  // adds a computed tensor
  const ModelSummary summary = summarize_model(map_to_gguf(config, sample_tensors()).value());
  EXPECT_EQ(summary.family, "llama");
  EXPECT_EQ(summary.layers, 1);
  EXPECT_EQ(summary.hidden, 8);
  EXPECT_EQ(summary.ffn, 16);
  EXPECT_EQ(summary.heads, 4);
  EXPECT_EQ(summary.kv_heads, 2);
  EXPECT_EQ(summary.head_dim, 2);
  EXPECT_EQ(summary.vocab, 20);
  EXPECT_EQ(summary.context_length, 128);
  EXPECT_EQ(summary.experts, 0);
  EXPECT_EQ(summary.params_non_embedding, kBlockParams);
}

}  // namespace
}  // namespace pajamas
