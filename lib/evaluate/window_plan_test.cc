// SPDX-License-Identifier: Apache-2.0
#include "evaluate/window_plan.h"

#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::int32_t> counting(int count) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(count));
  std::iota(tokens.begin(), tokens.end(), 100);
  return tokens;
}

TEST(LlamaWindows, StandSideBySideAndScoreTheTokensAfterTheMiddle) {
  const auto plan = *plan_llama_windows(counting(27), 8, 1, 0);
  EXPECT_THAT(plan.windows, ElementsAre(Window{0, 8, 5}, Window{8, 8, 5}, Window{16, 8, 5}));
  EXPECT_EQ(plan.scored_tokens(), 9);  // context - 1 - context / 2 of each
  EXPECT_EQ(plan.tokens.size(), 24U);  // what fills no window is left out
}

TEST(LlamaWindows, ReadTheBeginningOfTextFirstButScoreTheText) {
  const auto plan = *plan_llama_windows(counting(16), 8, 1, 0);
  EXPECT_EQ(plan.input(plan.windows[1], 0), 1);
  EXPECT_EQ(plan.target(plan.windows[1], 0), 108);
  EXPECT_EQ(plan.input(plan.windows[1], 1), 109);
  const auto without = *plan_llama_windows(counting(16), 8, std::nullopt, 0);
  EXPECT_EQ(without.input(without.windows[1], 0), 108);
}

TEST(LlamaWindows, EndAfterAsManyAsWereAskedFor) {
  const auto plan = *plan_llama_windows(counting(100), 8, 1, 2);
  EXPECT_EQ(plan.windows.size(), 2U);
  EXPECT_EQ(plan.tokens.size(), 16U);
}

TEST(LlamaWindows, OfATextThatFillsNoneAreAnErrorWithTheNumbers) {
  const auto plan = plan_llama_windows(counting(7), 8, 1, 0);
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().message, HasSubstr("the text has 7 tokens"));
  EXPECT_THAT(plan.error().message, HasSubstr("--context 8"));
  EXPECT_FALSE(plan_llama_windows(counting(7), 3, 1, 0).has_value());
}

TEST(HfWindows, ScoreEveryTokenButTheFirstOnce) {
  for (const int stride : {1, 3, 5, 7}) {
    const auto plan = *plan_hf_windows(counting(27), 8, stride, 0);
    std::multiset<std::int32_t> scored;
    for (const Window& window : plan.windows) {
      EXPECT_LE(window.length, 8);
      EXPECT_GE(window.first_target, 1);
      for (std::int64_t place = window.first_target; place < window.length; ++place) {
        scored.insert(plan.target(window, place));
      }
    }
    EXPECT_EQ(scored.size(), 26U) << stride;
    EXPECT_EQ(std::set(scored.begin(), scored.end()).size(), 26U) << stride;
  }
}

TEST(HfWindows, OverlapByWhatTheStrideLeaves) {
  const auto plan = *plan_hf_windows(counting(18), 8, 4, 0);
  EXPECT_THAT(plan.windows,
              ElementsAre(Window{0, 8, 1}, Window{4, 8, 4}, Window{8, 8, 4}, Window{12, 6, 4}));
}

TEST(HfWindows, SideBySideLeaveOutTheirFirstTokens) {
  EXPECT_EQ(plan_hf_windows(counting(24), 8, 8, 0)->scored_tokens(), 21);
  const auto plan = *plan_hf_windows(counting(25), 8, 8, 0);  // a token that nothing predicts
  EXPECT_EQ(plan.windows.size(), 3U);
  EXPECT_EQ(plan.tokens.size(), 24U);
}

TEST(HfWindows, TakeATextShorterThanTheContextWhole) {
  const auto plan = *plan_hf_windows(counting(5), 8, 4, 0);
  EXPECT_THAT(plan.windows, ElementsAre(Window{0, 5, 1}));
}

TEST(HfWindows, RefuseAStrideThatSkipsTokens) {
  EXPECT_THAT(plan_hf_windows(counting(30), 8, 9, 0).error().message, HasSubstr("--stride is 9"));
  EXPECT_FALSE(plan_hf_windows(counting(30), 8, 0, 0).has_value());
}

}  // namespace
}  // namespace pajamas
