// SPDX-License-Identifier: Apache-2.0
// Weights that are read layer by layer compute the very bits that weights in memory do, whatever
// the family's layers are made of.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "fixtures/fixture.h"
#include "formats/testing/temp_folder.h"
#include "runtime/engine.h"

namespace pajamas {
namespace {

using testing_support::TempFolder;
using Rows = std::map<std::size_t, std::vector<float>>;

constexpr int kTexts = 3;
constexpr int kTokens = 75;  // of a text: more than a page

std::unique_ptr<Engine> open(const std::filesystem::path& folder, EngineOptions options) {
  SilentProgress progress;
  options.threads = 2;
  options.context = 128;
  options.micro_batch = 50;
  auto engine = Engine::open(folder, options, CancelToken(), progress);
  EXPECT_TRUE(engine.has_value()) << engine.error().message;
  return engine ? std::move(*engine) : nullptr;
}

// The logits of several texts that go through the model in one call.
Rows logits_of(Engine& engine) {
  std::vector<Sequence> texts;
  for (int text = 0; text < kTexts; ++text) texts.push_back(engine.new_sequence());
  std::vector<BatchToken> batch;
  for (int token = 0; token < kTokens; ++token) {
    for (int text = 0; text < kTexts; ++text) {
      const bool is_wanted = (token + text) % 3 == 0;
      batch.push_back({&texts[static_cast<std::size_t>(text)], (token * 7 + text * 31) % 250,
                       is_wanted ? TokenOutput::kLogits : TokenOutput::kNothing});
    }
  }
  Rows rows;
  const Status done = engine.forward(
      batch,
      [&](std::size_t index, std::span<const float> values) {
        rows[index].assign(values.begin(), values.end());
      },
      CancelToken());
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return rows;
}

class EveryFamily : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryFamily, GivesTheSameLogitsWithStreamedLayersAndACacheOfOneCall) {
  const TempFolder folder;
  ASSERT_TRUE(fixtures::write_fixture(folder.path(), {.family = std::string(GetParam())}));
  const auto resident = open(folder.path(), {.cache_positions = kTexts * 128});
  ASSERT_NE(resident, nullptr);
  const Rows expected = logits_of(*resident);
  EXPECT_EQ(expected.size(), static_cast<std::size_t>(kTexts * kTokens / 3));
  EXPECT_FALSE(resident->has_streamed_layers());

  const auto streamed = open(
      folder.path(), {.cache_positions = kTexts * 128, .layer_streaming = LayerStreaming::kOn});
  ASSERT_NE(streamed, nullptr);
  EXPECT_TRUE(streamed->has_streamed_layers());
  EXPECT_EQ(logits_of(*streamed), expected);

  const auto one_call = open(folder.path(), {.cache_positions = kTexts * 128,
                                             .layer_streaming = LayerStreaming::kOn,
                                             .cache_life = CacheLife::kOneCall});
  ASSERT_NE(one_call, nullptr);
  EXPECT_EQ(logits_of(*one_call), expected);
  EXPECT_EQ(logits_of(*one_call), expected);  // what the call before left in the cache is gone
}

INSTANTIATE_TEST_SUITE_P(StreamedLayers, EveryFamily,
                         testing::ValuesIn(fixtures::fixture_families().begin(),
                                           fixtures::fixture_families().end()),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace pajamas
