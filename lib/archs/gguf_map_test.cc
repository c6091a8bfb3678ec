// SPDX-License-Identifier: Apache-2.0
#include "archs/gguf_map.h"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archs/testing/sample_model.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace testing_support;

std::vector<std::string> names_of(const GgufMap& map) {
  std::vector<std::string> names;
  for (const OutputTensor& output : map.tensors) names.push_back(output.name);
  return names;
}

std::string map_error(const Json& config, const std::vector<TensorInfo>& tensors) {
  const auto map = map_to_gguf(config, tensors);
  return map ? "" : map.error().message;
}

TEST(GgufMap, PutsTensorsOutsideBlocksFirstAndSortsByName) {
  const GgufMap map = map_to_gguf(sample_config(), sample_tensors()).value();
  EXPECT_THAT(
      names_of(map),
      ElementsAre("output.weight", "output_norm.weight", "token_embd.weight", "blk.0.attn_k.weight",
                  "blk.0.attn_norm.weight", "blk.0.attn_output.weight", "blk.0.attn_q.weight",
                  "blk.0.attn_v.weight", "blk.0.ffn_down.weight", "blk.0.ffn_gate.weight",
                  "blk.0.ffn_norm.weight", "blk.0.ffn_up.weight"));
  EXPECT_THAT(map.warnings, IsEmpty());
}

TEST(GgufMap, SortsBlocksByNumber) {
  Json config = sample_config();
  config["num_hidden_layers"] = 11;
  std::vector<TensorInfo> tensors = sample_tensors();
  for (int layer = 1; layer < 11; ++layer) {
    for (TensorInfo copy : sample_tensors()) {
      if (!copy.name.starts_with("model.layers.0.")) continue;
      copy.name.replace(0, 15, fmt::format("model.layers.{}.", layer));
      tensors.push_back(copy);
    }
  }
  const auto names = names_of(map_to_gguf(config, tensors).value());
  const auto at = [&](std::string_view name) { return std::ranges::find(names, name); };
  EXPECT_LT(at("blk.2.ffn_up.weight"), at("blk.10.attn_k.weight"));
  EXPECT_EQ(at("blk.10.ffn_up.weight") + 1, names.end());
}

TEST(GgufMap, InterleavesQueryAndKeyRowsOfLlama) {
  const GgufMap map = map_to_gguf(sample_config(), sample_tensors()).value();
  const Piece& query = find_output(map, "blk.0.attn_q.weight")->pieces.at(0);
  EXPECT_EQ(query.order, RowOrder::kRopeInterleave);
  EXPECT_EQ(query.heads, 4);
  EXPECT_EQ(query.row_count, 8);
  const Piece& key = find_output(map, "blk.0.attn_k.weight")->pieces.at(0);
  EXPECT_EQ(key.order, RowOrder::kRopeInterleave);
  EXPECT_EQ(key.heads, 2);
  EXPECT_EQ(find_output(map, "blk.0.attn_v.weight")->pieces.at(0).order, RowOrder::kSame);
}

TEST(GgufMap, TakesBiasesWhenTheyAreThere) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.push_back(tensor("model.layers.0.self_attn.k_proj.bias", {4}));
  tensors.push_back(tensor("model.layers.0.mlp.up_proj.bias", {16}));
  const GgufMap map = map_to_gguf(sample_config(), tensors).value();
  EXPECT_THAT(map.warnings, IsEmpty());
  const OutputTensor* key = find_output(map, "blk.0.attn_k.bias");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->shape, Shape{4});
  EXPECT_EQ(key->pieces.at(0).order, RowOrder::kRopeInterleave);
  EXPECT_EQ(key->pieces.at(0).row_count, 4);  // elements of a vector
  EXPECT_TRUE(key->keep_f32);
  EXPECT_TRUE(find_output(map, "blk.0.ffn_up.bias")->keep_f32);
}

TEST(GgufMap, KeepsVectorsInF32AndNothingElseOfLlama) {
  const GgufMap map = map_to_gguf(sample_config(), sample_tensors()).value();
  for (const OutputTensor& output : map.tensors) {
    EXPECT_EQ(output.keep_f32, output.shape.rank() == 1) << output.name;
    EXPECT_EQ(output.op, ElementOp::kNone) << output.name;
  }
}

TEST(GgufMap, LeavesOutTheHeadOfATiedModel) {
  Json config = sample_config();
  config["tie_word_embeddings"] = true;
  const GgufMap map = map_to_gguf(config, sample_tensors()).value();
  EXPECT_EQ(find_output(map, "output.weight"), nullptr);
  EXPECT_THAT(map.warnings, IsEmpty());
}

TEST(GgufMap, TakesAMissingHeadForTiedWhenTheConfigDoesNotSay) {
  Json config = sample_config();
  config.erase("tie_word_embeddings");
  std::vector<TensorInfo> tensors = sample_tensors();
  EXPECT_NE(find_output(map_to_gguf(config, tensors).value(), "output.weight"), nullptr);
  std::erase_if(tensors, [](const TensorInfo& t) { return t.name == "lm_head.weight"; });
  EXPECT_EQ(find_output(map_to_gguf(config, tensors).value(), "output.weight"), nullptr);
  EXPECT_THAT(map_error(sample_config(), tensors), HasSubstr("has no tensor 'lm_head.weight'"));
}

TEST(GgufMap, TakesTheEmbeddingOfATiedModelFromTheHead) {
  Json config = sample_config();
  config["tie_word_embeddings"] = true;
  std::vector<TensorInfo> tensors = sample_tensors();
  std::erase_if(tensors, [](const TensorInfo& t) { return t.name == "model.embed_tokens.weight"; });
  const GgufMap map = map_to_gguf(config, tensors).value();
  const auto embedding = std::ranges::find(map.tensors, "token_embd.weight", &OutputTensor::name);
  ASSERT_NE(embedding, map.tensors.end());
  EXPECT_EQ(embedding->pieces.front().source, "lm_head.weight");
  EXPECT_EQ(std::ranges::count(map.tensors, "output.weight", &OutputTensor::name), 0);
  config["tie_word_embeddings"] = false;
  EXPECT_THAT(map_error(config, tensors), HasSubstr("no tensor 'model.embed_tokens.weight'"));
}

TEST(GgufMap, WritesTheEmbeddingAsHeadWhereReadersInsistOnOne) {
  Json config = sample_config("Olmo2ForCausalLM");
  config["tie_word_embeddings"] = true;
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.push_back(tensor("model.layers.0.post_feedforward_layernorm.weight", {8}));
  tensors.push_back(tensor("model.layers.0.self_attn.q_norm.weight", {8}));
  tensors.push_back(tensor("model.layers.0.self_attn.k_norm.weight", {4}));
  const GgufMap map = map_to_gguf(config, tensors).value();
  ASSERT_NE(find_output(map, "output.weight"), nullptr);
  EXPECT_EQ(find_output(map, "output.weight")->pieces.at(0).source, "model.embed_tokens.weight");
}

TEST(GgufMap, WarnsOfTensorsThatNothingUses) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.push_back(tensor("model.layers.1.mlp.up_proj.weight", {16, 8}));
  const GgufMap map = map_to_gguf(sample_config(), tensors).value();
  EXPECT_THAT(map.warnings, ElementsAre("tensor 'model.layers.1.mlp.up_proj.weight' is not part "
                                        "of llama and is left out"));
}

TEST(GgufMap, DropsBuffersAndFp8ScalesSilently) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.push_back(tensor("model.layers.0.self_attn.rotary_emb.inv_freq", {1}, DType::kF32));
  tensors.push_back(tensor("model.layers.0.mlp.up_proj.weight_scale_inv", {1, 1}, DType::kF32));
  Json config = sample_config();
  config["quantization_config"] = {{"quant_method", "fp8"}};
  EXPECT_THAT(map_to_gguf(config, tensors).value().warnings, IsEmpty());
}

TEST(GgufMap, NamesTheTensorThatIsMissing) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.pop_back();
  EXPECT_THAT(map_error(sample_config(), tensors),
              HasSubstr("has no tensor 'model.layers.0.mlp.down_proj.weight'"));
  EXPECT_THAT(map_error(sample_config(), {}), HasSubstr("'model.embed_tokens.weight'"));
}

TEST(GgufMap, RejectsAShapeThatContradictsTheConfig) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.back().shape = {16, 8};
  EXPECT_EQ(map_error(sample_config(), tensors),
            "tensor 'model.layers.0.mlp.down_proj.weight' has shape (16, 8), expected (8, 16) by "
            "config.json");
}

TEST(GgufMap, RejectsAnEmbeddingOfTheWrongRank) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.front().shape = {160};
  EXPECT_THAT(map_error(sample_config(), tensors), HasSubstr("has shape (160), expected (20, 8)"));
}

TEST(GgufMap, TakesTheVocabularyFromTheEmbeddingWithinLimits) {
  Json config = sample_config();
  config.erase("vocab_size");
  std::vector<TensorInfo> tensors = sample_tensors();
  const GgufMap map = map_to_gguf(config, tensors).value();
  EXPECT_EQ(find_output(map, "token_embd.weight")->shape, (Shape{20, 8}));
  for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{1} << 33}) {
    tensors.front().shape = {rows, 8};
    EXPECT_THAT(map_error(config, tensors), HasSubstr("expected 1 to 67108864 rows"));
  }
}

TEST(GgufMap, RejectsPackedIntegers) {
  std::vector<TensorInfo> tensors = sample_tensors();
  tensors.back().dtype = DType::kU32;
  EXPECT_THAT(map_error(sample_config(), tensors),
              HasSubstr("is u32, expected floating-point weights"));
}

TEST(GgufMap, StacksTheExpertsOfMixtralInOrder) {
  Json config = sample_config("MixtralForCausalLM");
  config["num_local_experts"] = 3;
  config["num_experts_per_tok"] = 2;
  std::vector<TensorInfo> tensors = sample_attention();
  const std::string moe = "model.layers.0.block_sparse_moe.";
  tensors.push_back(tensor(moe + "gate.weight", {3, 8}));
  for (int expert = 0; expert < 3; ++expert) {
    tensors.push_back(tensor(fmt::format("{}experts.{}.w1.weight", moe, expert), {16, 8}));
    tensors.push_back(tensor(fmt::format("{}experts.{}.w2.weight", moe, expert), {8, 16}));
    tensors.push_back(tensor(fmt::format("{}experts.{}.w3.weight", moe, expert), {16, 8}));
  }
  const GgufMap map = map_to_gguf(config, tensors).value();
  EXPECT_TRUE(find_output(map, "blk.0.ffn_gate_inp.weight")->keep_f32);
  const OutputTensor* down = find_output(map, "blk.0.ffn_down_exps.weight");
  EXPECT_EQ(down->shape, (Shape{3, 8, 16}));
  EXPECT_EQ(down->pieces.at(2).source, moe + "experts.2.w2.weight");
  EXPECT_EQ(find_output(map, "blk.0.ffn_gate_exps.weight")->pieces.at(1).source,
            moe + "experts.1.w1.weight");
  EXPECT_EQ(find_output(map, "blk.0.ffn_up_exps.weight")->pieces.at(0).source,
            moe + "experts.0.w3.weight");
}

TEST(GgufMap, SplitsFusedExpertsIntoGateAndUp) {
  Json config = sample_config("Qwen3MoeForCausalLM");
  config["head_dim"] = 2;
  config["num_experts"] = 2;
  config["num_experts_per_tok"] = 1;
  config["moe_intermediate_size"] = 5;
  std::vector<TensorInfo> tensors = sample_attention();
  const std::string layer = "model.layers.0.";
  tensors.push_back(tensor(layer + "self_attn.q_norm.weight", {2}));
  tensors.push_back(tensor(layer + "self_attn.k_norm.weight", {2}));
  tensors.push_back(tensor(layer + "mlp.gate.weight", {2, 8}));
  tensors.push_back(tensor(layer + "mlp.experts.gate_up_proj", {2, 10, 8}));
  tensors.push_back(tensor(layer + "mlp.experts.down_proj", {2, 8, 5}));
  const GgufMap map = map_to_gguf(config, tensors).value();
  EXPECT_THAT(map.warnings, IsEmpty());
  const auto starts = [&](std::string_view name) {
    std::vector<std::int64_t> rows;
    for (const Piece& piece : find_output(map, name)->pieces) {
      EXPECT_EQ(piece.row_count, 5);
      rows.push_back(piece.first_row);
    }
    return rows;
  };
  EXPECT_THAT(starts("blk.0.ffn_gate_exps.weight"), ElementsAre(0, 10));
  EXPECT_THAT(starts("blk.0.ffn_up_exps.weight"), ElementsAre(5, 15));
  EXPECT_EQ(find_output(map, "blk.0.ffn_down_exps.weight")->pieces.at(0).row_count, 16);
}

// The text model inside Gemma3ForConditionalGeneration, with three rows of padding.
std::vector<TensorInfo> gemma3_tensors(std::string_view prefix) {
  std::vector<TensorInfo> tensors = sample_tensors();
  std::erase_if(tensors, [](const TensorInfo& t) { return t.name == "lm_head.weight"; });
  const std::string layer = "model.layers.0.";
  tensors.push_back(tensor(layer + "pre_feedforward_layernorm.weight", {8}));
  tensors.push_back(tensor(layer + "post_feedforward_layernorm.weight", {8}));
  tensors.push_back(tensor(layer + "self_attn.q_norm.weight", {2}));
  tensors.push_back(tensor(layer + "self_attn.k_norm.weight", {2}));
  tensors.front().shape = {23, 8};
  for (TensorInfo& t : tensors) t.name.replace(0, 6, prefix);
  tensors.push_back(tensor("vision_tower.vision_model.post_layernorm.weight", {4}));
  tensors.push_back(tensor("model.multi_modal_projector.mm_soft_emb_norm.weight", {4}));
  return tensors;
}

TEST(GgufMap, FindsTheTextModelInsideAMultimodalOne) {
  Json text = sample_config();
  text.erase("architectures");
  text["head_dim"] = 2;
  text["tie_word_embeddings"] = nullptr;
  const Json config = {{"architectures", {"Gemma3ForConditionalGeneration"}},
                       {"text_config", text}};
  for (const std::string_view prefix :
       {"model.", "language_model.model.", "model.language_model."}) {
    const GgufMap map = map_to_gguf(config, gemma3_tensors(prefix)).value();
    EXPECT_THAT(map.warnings, IsEmpty()) << prefix;
    const OutputTensor* embedding = find_output(map, "token_embd.weight");
    EXPECT_EQ(embedding->shape, (Shape{20, 8}));  // without the padding
    EXPECT_EQ(embedding->pieces.at(0).row_count, 20);
    EXPECT_EQ(find_output(map, "blk.0.attn_q_norm.weight")->op, ElementOp::kAddOne);
    EXPECT_EQ(find_output(map, "output_norm.weight")->op, ElementOp::kAddOne);
    EXPECT_EQ(embedding->op, ElementOp::kNone);
  }
}

TEST(GgufMap, GivesMlxNamesWithTheSourcesOrderOfRows) {
  const GgufMap map = map_to_gguf(sample_config(), sample_tensors()).value();
  const OutputTensor* query = find_output(map, "blk.0.attn_q.weight");
  EXPECT_EQ(query->mlx_name, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(query->mlx_shape, query->shape);
  EXPECT_EQ(find_output(map, "output.weight")->mlx_name, "lm_head.weight");
}

TEST(GgufMap, GivesAHeadToMlxOnlyWhereItsClassHasOne) {
  Json config = sample_config("Olmo2ForCausalLM");
  config["tie_word_embeddings"] = true;
  std::vector<TensorInfo> tensors = sample_tensors();
  std::erase_if(tensors, [](const TensorInfo& t) {
    return t.name.find("input_layernorm") != std::string::npos || t.name == "lm_head.weight";
  });
  tensors.push_back(tensor("model.layers.0.post_feedforward_layernorm.weight", {8}));
  tensors.push_back(tensor("model.layers.0.self_attn.q_norm.weight", {8}));
  tensors.push_back(tensor("model.layers.0.self_attn.k_norm.weight", {4}));
  const GgufMap map = map_to_gguf(config, tensors).value();
  ASSERT_NE(find_output(map, "output.weight"), nullptr);
  EXPECT_EQ(find_output(map, "output.weight")->mlx_name, "");
}

TEST(GgufMap, NamesTheEmbeddingOfATiedModelForMlxWhateverTheSourceCallsIt) {
  Json config = sample_config();
  config["tie_word_embeddings"] = true;
  std::vector<TensorInfo> tensors = sample_tensors();
  std::erase_if(tensors, [](const TensorInfo& t) { return t.name == "model.embed_tokens.weight"; });
  const GgufMap map = map_to_gguf(config, tensors).value();
  EXPECT_EQ(find_output(map, "token_embd.weight")->mlx_name, "model.embed_tokens.weight");
}

TEST(GgufMap, ReadsTheStackedExpertsOfAnMlxFolder) {
  Json config = sample_config("MixtralForCausalLM");
  config["num_local_experts"] = 2;
  config["num_experts_per_tok"] = 1;
  const std::string moe = "model.layers.0.block_sparse_moe.";
  std::vector<TensorInfo> tensors = sample_attention();
  tensors.push_back(tensor(moe + "gate.weight", {2, 8}));
  tensors.push_back(tensor(moe + "switch_mlp.gate_proj.weight", {2, 16, 8}, DType::kF32));
  tensors.push_back(tensor(moe + "switch_mlp.up_proj.weight", {2, 16, 8}, DType::kF32));
  tensors.push_back(tensor(moe + "switch_mlp.down_proj.weight", {2, 8, 16}, DType::kF32));
  const auto map = map_to_gguf(config, tensors);
  ASSERT_TRUE(map) << map.error().message;
  const OutputTensor* up = find_output(*map, "blk.0.ffn_up_exps.weight");
  ASSERT_EQ(up->pieces.size(), 1U);
  EXPECT_EQ(up->pieces[0].source, moe + "switch_mlp.up_proj.weight");
  EXPECT_EQ(up->pieces[0].row_count, 32);
  EXPECT_EQ(up->mlx_name, moe + "switch_mlp.up_proj.weight");
  EXPECT_THAT(map->warnings, IsEmpty());
}

}  // namespace
}  // namespace pajamas
