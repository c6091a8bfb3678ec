// SPDX-License-Identifier: Apache-2.0
// Models whose keys and tensors contradict each other: errors that say so, never a crash.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"
#include "runtime/engine.h"
#include "runtime/testing/tiny_model.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;
using testing_support::tiny_llama;
using testing_support::TinyModel;

Error open_error(const TinyModel& model, const EngineOptions& options = {}) {
  const TempFolder folder;
  const auto path = folder.path() / "model.gguf";
  EXPECT_TRUE(write_model(model, path).has_value());
  SilentProgress progress;
  auto engine = Engine::open(path, options, CancelToken(), progress);
  return engine ? Error{ErrorCode::kInternal, "it opened"} : engine.error();
}

struct BadModel {
  std::function<void(TinyModel&)> spoil;
  ErrorCode code;
  const char* message;
};

std::function<void(TinyModel&)> set_key(const char* key, MetadataValue value) {
  return [=](TinyModel& model) { model.keys.set(key, value); };
}

TEST(HostileModel, ContradictionsAreErrorsThatNameThem) {
  const auto drop = [](const char* name) { return [=](TinyModel& model) { model.erase(name); }; };
  const auto reshape = [](const char* name, Shape shape) {
    return [=](TinyModel& model) { model.tensor(name).shape = shape; };
  };
  constexpr auto kInvalid = ErrorCode::kInvalidData;
  constexpr auto kUnsupported = ErrorCode::kUnsupported;
  const BadModel cases[] = {
      {set_key("general.architecture", std::string("rwkv")), kUnsupported, "it runs llama"},
      {set_key("llama.attention.head_count", std::uint32_t{0}), kInvalid, "is 0, expected 1 to"},
      {set_key("llama.attention.head_count_kv", std::uint32_t{3}), kInvalid, "expected a multiple"},
      {set_key("llama.attention.head_count", std::uint32_t{8}), kInvalid, "attn_k.weight"},
      {set_key("llama.attention.key_length", std::uint32_t{4096}), kInvalid, "expected 1 to 512"},
      {set_key("llama.attention.value_length", std::uint32_t{4}), kUnsupported,
       "expected the same"},
      {set_key("llama.rope.dimension_count", std::uint32_t{1 << 30}), kInvalid, "expected 2 to 8"},
      {set_key("llama.rope.dimension_count", std::uint32_t{3}), kInvalid, "an even number"},
      {set_key("llama.rope.freq_base", -1.0F), kInvalid, "expected more than 0"},
      {set_key("llama.rope.freq_base", std::string("big")), kInvalid, "not a finite number"},
      {set_key("llama.rope.scaling.type", std::string("odd")), kUnsupported,
       "rope scaling is 'odd'"},
      {set_key("llama.block_count", std::uint32_t{3}), kInvalid, "no tensor 'blk.2."},
      {set_key("llama.block_count", std::uint32_t{1}), kUnsupported, "has a tensor 'blk.1."},
      {set_key("llama.block_count", std::uint64_t{1} << 63), kInvalid, "not a whole number"},
      {set_key("llama.embedding_length", std::uint32_t{64}), kInvalid, "by the model's keys"},
      {set_key("llama.feed_forward_length", std::int32_t{-64}), kInvalid, "is -64, expected 1 to"},
      {set_key("llama.context_length", std::uint32_t{0}), kInvalid, "is 0, expected 1 to"},
      {set_key("llama.expert_count", std::uint32_t{4}), kInvalid, "expert_used_count"},
      {set_key("llama.attention.layer_norm_rms_epsilon", 0.0F), kInvalid, "more than 0"},
      {drop("token_embd.weight"), kInvalid, "no tensor 'token_embd.weight'"},
      {drop("blk.1.attn_v.weight"), kInvalid, "no tensor 'blk.1.attn_v.weight'"},
      {drop("output_norm.weight"), kInvalid, "no tensor 'output_norm.weight'"},
      {reshape("blk.0.ffn_down.weight", {64, 32}), kInvalid, "expected (32, 64)"},
      {reshape("blk.0.attn_norm.weight", {1}), kInvalid, "expected (32)"},
      {reshape("token_embd.weight", {1536}), kInvalid, "no tensor 'token_embd.weight' of"},
      {reshape("rope_freqs.weight", {7}), kInvalid, "expected (4)"},
      {reshape("blk.0.attn_sinks.weight", {4}), kUnsupported, "would give wrong answers"},
  };
  for (const BadModel& bad : cases) {
    TinyModel model = tiny_llama();
    bad.spoil(model);
    const Error error = open_error(model);
    EXPECT_THAT(error.message, HasSubstr(bad.message));
    EXPECT_EQ(error.code, bad.code) << error.message;
  }
}

TEST(HostileModel, ContradictoryExpertCountsAreErrors) {
  TinyModel model = tiny_llama();
  model.keys.set("llama.expert_count", std::uint32_t{4});
  model.keys.set("llama.expert_used_count", std::uint32_t{5});
  EXPECT_THAT(open_error(model).message, HasSubstr("is 5, expected 1 to 4"));
  model.keys.set("llama.expert_used_count", std::uint32_t{2});
  EXPECT_THAT(open_error(model).message, HasSubstr("no tensor 'blk.0.ffn_gate_inp.weight'"));
}

TEST(HostileModel, TooLittleMemoryIsAnErrorWithNumbers) {
  const Error error = open_error(tiny_llama(), {.memory_limit_bytes = 100'000});
  EXPECT_EQ(error.code, ErrorCode::kNoSpace);
  EXPECT_THAT(error.message, HasSubstr("only 100"));
  EXPECT_THAT(error.message, HasSubstr("--context"));
}

TEST(HostileModel, OptionsOutOfRangeAreErrors) {
  EXPECT_EQ(open_error(tiny_llama(), {.threads = -1}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(open_error(tiny_llama(), {.context = -5}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(open_error(tiny_llama(), {.micro_batch = 0}).code, ErrorCode::kInvalidArgument);
}

TEST(HostileModel, NotANumberInWeightsIsNoCrash) {
  const TempFolder folder;
  const auto path = folder.path() / "model.gguf";
  TinyModel model = tiny_llama();
  model.keys.set("llama.rope.freq_base", 1e-30F);
  model.keys.set("llama.attention.scale", 1e30F);
  ASSERT_TRUE(write_model(model, path).has_value());
  SilentProgress progress;
  const CancelToken cancel;
  auto engine = Engine::open(path, {.threads = 1}, cancel, progress);
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  Sequence sequence = (*engine)->new_sequence();
  const std::vector<std::int32_t> tokens(100, 3);
  EXPECT_TRUE((*engine)->prefill(sequence, tokens, cancel).has_value());
}

}  // namespace
}  // namespace pajamas
