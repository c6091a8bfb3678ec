// SPDX-License-Identifier: Apache-2.0
#include "evaluate/reference/reference_row.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

std::vector<float> random_logits(std::size_t count, std::uint64_t seed, float deviation) {
  std::mt19937_64 random(seed);
  std::vector<float> logits(count);
  for (float& logit : logits) {
    // Sums of uniform numbers, the same with every library.
    float sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<float>(random() % 65536) / 65536.0F - 0.5F;
    logit = sum * deviation * 1.7F;
  }
  return logits;
}

double exact_kl(const std::vector<float>& p, const std::vector<float>& q) {
  const auto log_sum = [](const std::vector<float>& logits) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
    return std::log(sum);
  };
  const double p_sum = log_sum(p);
  const double q_sum = log_sum(q);
  double kl = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double log_p = static_cast<double>(p[i]) - p_sum;
    kl += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - q_sum));
  }
  return kl;
}

RowDivergence compare(const std::vector<float>& p, const std::vector<float>& q, int target) {
  return compare_row(make_reference_row(p, *normalize(p), target), q, *normalize(q), target);
}

TEST(ReferenceRow, KeepsTheTokensThatHoldAllButTheRest) {
  const std::vector<float> logits = random_logits(32'000, 1, 8);
  const ReferenceRow row = make_reference_row(logits, *normalize(logits), 5);
  EXPECT_LT(row.ids.size(), logits.size() / 2);
  EXPECT_LE(row.rest, kMaxRest);
  double sum = row.rest;
  for (const float value : row.log_probabilities) sum += std::exp(static_cast<double>(value));
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(ReferenceRow, OfAFlatDistributionKeepsEveryToken) {
  const std::vector<float> logits(1000, 2.0F);
  const ReferenceRow row = make_reference_row(logits, *normalize(logits), 5);
  EXPECT_EQ(row.ids.size(), 1000U);
  EXPECT_EQ(row.rest, 0);
}

TEST(CompareRow, EqualLogitsDoNotDivergeAtAll) {
  for (const float deviation : {0.1F, 1.0F, 4.0F, 20.0F}) {
    const std::vector<float> logits = random_logits(5000, 3, deviation);
    const RowDivergence same = compare(logits, logits, 17);
    EXPECT_EQ(same.kl, 0.0F);
    EXPECT_EQ(same.probability_change, 0.0F);
    EXPECT_TRUE(same.same_top);
  }
}

TEST(CompareRow, GivesTheDivergenceOfTheWholeDistributions) {
  for (const float deviation : {0.3F, 2.0F, 5.0F}) {
    for (const float noise : {0.01F, 0.1F, 1.0F}) {
      const std::vector<float> p = random_logits(20'000, 7, deviation);
      std::vector<float> q = random_logits(20'000, 8, noise);
      for (std::size_t i = 0; i < q.size(); ++i) q[i] += p[i];
      const double expected = exact_kl(p, q);
      EXPECT_NEAR(static_cast<double>(compare(p, q, 3).kl), expected, 2e-3 * expected + 5e-7)
          << deviation << " " << noise;
    }
  }
}

TEST(CompareRow, TellsWhatHappenedToTheNextToken) {
  const std::vector<float> p = {0.0F, 0.0F};
  const std::vector<float> q = {0.0F, std::log(3.0F)};
  const RowDivergence row = compare(p, q, 1);
  EXPECT_NEAR(row.nll, -std::log(0.75), 1e-6);
  EXPECT_NEAR(row.probability_change, 0.25, 1e-6);
  EXPECT_FALSE(row.same_top);
}

TEST(CompareRow, ATokenThatTheOtherModelGivesNothingCostsAFiniteAmount) {
  const std::vector<float> p = {0.0F, 0.0F, -13.0F};
  const std::vector<float> q = {0.0F, -1e30F, -1e30F};
  const RowDivergence row = compare(p, q, 0);
  EXPECT_TRUE(std::isfinite(row.kl));
  EXPECT_GT(row.kl, 10.0F);
}

}  // namespace
}  // namespace pajamas
