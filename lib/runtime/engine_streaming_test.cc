// SPDX-License-Identifier: Apache-2.0
// The engine with weights that are read layer by layer: how often, and within which memory. That
// the logits are the same is tested on every family in tests/conformance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/engine.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using Tokens = std::vector<std::int32_t>;

constexpr std::int64_t kExampleLayers = 4;  // of the example model

Result<std::unique_ptr<Engine>> open_example_streaming(const EngineOptions& options) {
  SilentProgress progress;
  const auto path = std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";
  return Engine::open(path, options, CancelToken(), progress);
}

std::vector<BatchToken> texts(std::vector<Sequence>& sequences, int tokens) {
  std::vector<BatchToken> batch;
  for (Sequence& sequence : sequences) {
    for (int i = 0; i < tokens; ++i) {
      batch.push_back({&sequence, i * 7 % 1000, TokenOutput::kLogits});
    }
  }
  return batch;
}

TEST(StreamedEngine, ReadsEachLayerOnceForAllTextsOfACall) {
  const auto engine = open_example_streaming({.threads = 1,
                                              .context = 64,
                                              .cache_positions = 640,
                                              .micro_batch = 32,
                                              .layer_streaming = LayerStreaming::kOn,
                                              .cache_life = CacheLife::kOneCall});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_EQ((*engine)->tokens_per_pass(), 640);
  std::vector<Sequence> sequences;
  for (int i = 0; i < 10; ++i) sequences.push_back((*engine)->new_sequence());
  std::int64_t outputs = 0;
  const OutputSink count = [&](std::size_t, std::span<const float>) { ++outputs; };
  ASSERT_TRUE((*engine)->forward(texts(sequences, 64), count, CancelToken()));
  EXPECT_EQ(outputs, 640);
  EXPECT_EQ((*engine)->layers_read(),
            kExampleLayers + 1);  // the first is read ahead for the next call
  EXPECT_EQ(sequences.front().length(), 0);
}

TEST(StreamedEngine, MoreTokensThanThePassHasRoomForAreAnErrorThatSaysSo) {
  const auto engine = open_example_streaming(
      {.threads = 1, .context = 64, .cache_positions = 128, .cache_life = CacheLife::kOneCall});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  std::vector<Sequence> sequences;
  for (int i = 0; i < 3; ++i) sequences.push_back((*engine)->new_sequence());
  const OutputSink ignore = [](std::size_t, std::span<const float>) {};
  const Status done = (*engine)->forward(texts(sequences, 64), ignore, CancelToken());
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message, HasSubstr("192 tokens"));
  EXPECT_THAT(done.error().message, HasSubstr("room for 128"));
  sequences.pop_back();
  EXPECT_TRUE((*engine)->forward(texts(sequences, 64), ignore, CancelToken()));
}

TEST(StreamedEngine, GeneratesTheSameTokens) {
  const Tokens prompt = {1, 20, 300, 41};
  std::vector<Tokens> made;
  for (const LayerStreaming streaming : {LayerStreaming::kOff, LayerStreaming::kOn}) {
    const auto engine =
        open_example_streaming({.threads = 2, .context = 64, .layer_streaming = streaming});
    ASSERT_TRUE(engine.has_value());
    Sequence sequence = (*engine)->new_sequence();
    auto logits = *(*engine)->prefill(sequence, prompt, CancelToken());
    Tokens& tokens = made.emplace_back();
    for (int i = 0; i < 8; ++i) {
      tokens.push_back(
          static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin()));
      const NextToken next{&sequence, tokens.back()};
      logits = *(*engine)->decode({&next, 1}, CancelToken());
    }
  }
  EXPECT_EQ(made.front(), made.back());
}

TEST(StreamedEngine, ACallThatWasCancelledHoldsNoCache) {
  const auto engine = open_example_streaming({.threads = 1,
                                              .context = 64,
                                              .cache_positions = 64,
                                              .layer_streaming = LayerStreaming::kOn,
                                              .cache_life = CacheLife::kOneCall});
  ASSERT_TRUE(engine.has_value());
  std::vector<Sequence> sequences;
  for (int i = 0; i < 2; ++i) sequences.push_back((*engine)->new_sequence());
  CancelToken cancel;
  cancel.cancel();
  const OutputSink ignore = [](std::size_t, std::span<const float>) {};
  const auto batch = texts(sequences, 64);
  const std::span<const BatchToken> first(batch.data(), 64);
  EXPECT_EQ((*engine)->forward(first, ignore, cancel).error().code, ErrorCode::kCancelled);
  const std::span<const BatchToken> second(batch.data() + 64, 64);
  EXPECT_TRUE((*engine)->forward(second, ignore, CancelToken()));
}

TEST(StreamedEngine, TakesLessMemoryAndAutoTakesItWhereTheWholeDoesNotFit) {
  EngineOptions options{.threads = 1, .context = 64, .micro_batch = 16};
  const auto resident = open_example_streaming(options);
  ASSERT_TRUE(resident.has_value());
  options.layer_streaming = LayerStreaming::kOn;
  const auto streamed = open_example_streaming(options);
  ASSERT_TRUE(streamed.has_value());
  const std::uint64_t whole = (*resident)->weight_bytes();
  const std::uint64_t part = (*streamed)->weight_bytes();
  EXPECT_LT(part, whole);

  options.layer_streaming = LayerStreaming::kAuto;
  options.memory_limit_bytes = std::uint64_t{1} << 30;
  EXPECT_FALSE((*open_example_streaming(options))->has_streamed_layers());
  options.memory_limit_bytes = whole;  // and nothing for the context
  const auto automatic = open_example_streaming(options);
  ASSERT_TRUE(automatic.has_value()) << automatic.error().message;
  EXPECT_TRUE((*automatic)->has_streamed_layers());
  options.memory_limit_bytes = part / 2;
  const auto none = open_example_streaming(options);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::kNoSpace);
  EXPECT_THAT(none.error().message, HasSubstr("even layer by layer"));
}

}  // namespace
}  // namespace pajamas
