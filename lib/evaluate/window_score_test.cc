// SPDX-License-Identifier: Apache-2.0
#include "evaluate/window_score.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

WindowPlan plan_of_windows(int windows) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(8 * windows), 3);
  return *plan_llama_windows(std::move(tokens), 8, std::nullopt, 0);
}

TEST(SummarizePerplexity, IsTheExponentialOfTheMeanWithItsStandardError) {
  // Six tokens of 1, 2, 3 and 2, 4, 6 nats.
  const std::vector<WindowScore> scores = {{.nll = 6, .nll_squared = 14},
                                           {.nll = 12, .nll_squared = 56}};
  const PerplexityResult result = summarize_perplexity(plan_of_windows(2), scores);
  EXPECT_EQ(result.method, "llama.cpp");
  EXPECT_EQ(result.scored_tokens, 6);
  EXPECT_DOUBLE_EQ(result.mean_nll, 3);
  EXPECT_DOUBLE_EQ(result.perplexity, std::exp(3));
  EXPECT_NEAR(result.standard_error, std::exp(3) * std::sqrt((70.0 / 6 - 9) / 5), 1e-12);
}

TEST(SummarizeDivergence, CountsBinsAgreementAndProbabilityChanges) {
  const std::vector<WindowScore> scores = {
      {.kl = {0.0F, 1e-5F}, .probability_change = {0.0F, 0.3F}, .same_top = 2},
      {.kl = {0.5F, 2000.0F}, .probability_change = {-0.4F, 0.0F}, .same_top = 1}};
  const DivergenceResult result = summarize_divergence(scores);
  EXPECT_EQ(result.positions, 4);
  EXPECT_DOUBLE_EQ(result.top1_agreement, 0.75);
  EXPECT_NEAR(result.top1_standard_error, std::sqrt(0.75 * 0.25 / 3), 1e-12);
  EXPECT_NEAR(result.mean_probability_change, -0.025, 1e-7);
  EXPECT_NEAR(result.rms_probability_change, 0.25, 1e-7);
  EXPECT_EQ(result.histogram.front(), 1);
  EXPECT_EQ(result.histogram[30], 1);  // 10^-0.5 <= 0.5 < 10^-0.25
  EXPECT_EQ(result.histogram.back(), 1);
  EXPECT_EQ(summarize_divergence({}).positions, 0);
}

TEST(Quantiles, InterpolateBetweenTheSortedValues) {
  const Quantiles result = quantiles_of({4, 1, 3, 2});
  EXPECT_DOUBLE_EQ(result.mean, 2.5);
  EXPECT_DOUBLE_EQ(result.minimum, 1);
  EXPECT_DOUBLE_EQ(result.median, 2.5);
  EXPECT_NEAR(result.p90, 3.7, 1e-9);
  EXPECT_DOUBLE_EQ(result.maximum, 4);
  EXPECT_NEAR(result.standard_error, std::sqrt(1.25 / 3), 1e-12);
  EXPECT_EQ(quantiles_of({}).maximum, 0);
}

TEST(WindowScore, IsTheSameAfterAWayThroughJson) {
  const WindowScore score{.nll = 1.0 / 3,
                          .nll_squared = 0.1,
                          .seconds = 0.25,
                          .kl = {0.1F, 1e-30F, 3.0F},
                          .probability_change = {-0.1F, 0.0F, 0.7F},
                          .same_top = 2};
  const Json read = *parse_json(to_json(score).dump(), "test", {});
  EXPECT_EQ(*window_score_from_json(read, 3), score);
  EXPECT_FALSE(window_score_from_json(read, 4).has_value());
  EXPECT_FALSE(window_score_from_json(Json{{"seconds", 1}}, 3).has_value());
}

}  // namespace
}  // namespace pajamas
