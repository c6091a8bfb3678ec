// SPDX-License-Identifier: Apache-2.0
#include "codecs/scale_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace pajamas {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr AffineTrials kTrials{
    .first = -0.9F, .step = 0.05F, .steps = 36, .norm = ErrorNorm::kSquared};

// Squared error of scale * (code - offset).
float error_of(std::span<const float> x, std::span<const std::uint8_t> codes, float scale,
               int offset) {
  float sum = 0.0F;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float difference = x[i] - scale * static_cast<float>(codes[i] - offset);
    sum += difference * difference;
  }
  return sum;
}

TEST(ScaleSearch, SymmetricFindsAnExactGridAgain) {
  const std::array<float, 8> x = {-2.0F, -1.5F, -1.0F, -0.5F, 0.0F, 0.5F, 1.0F, 1.5F};
  const std::array<float, 8> weights = {1, 1, 1, 1, 1, 1, 1, 1};
  std::array<std::uint8_t, 8> codes{};
  EXPECT_EQ(fit_symmetric(x, weights, 4, codes), 0.5F);
  EXPECT_THAT(codes, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(refine_symmetric(x, 4, codes), 0.5F);
  EXPECT_THAT(codes, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(ScaleSearch, SymmetricGivesTheMostLevelsToTheSignOfThePeak) {
  const std::array<float, 3> x = {4.0F, -3.0F, 1.0F};
  const std::array<float, 3> weights = {1, 1, 1};
  std::array<std::uint8_t, 3> codes{};
  EXPECT_EQ(fit_symmetric(x, weights, 4, codes), -1.0F);
  EXPECT_THAT(codes, ElementsAre(0, 7, 3));
}

TEST(ScaleSearch, SymmetricBeatsTheScaleOfThePeakAlone) {
  const std::array<float, 6> x = {-1.0F, 0.62F, 0.61F, -0.63F, 0.6F, 0.64F};
  const std::array<float, 6> weights = {1, 1, 1, 1, 1, 1};
  std::array<std::uint8_t, 6> codes{};
  const float scale = fit_symmetric(x, weights, 4, codes);
  std::array<std::uint8_t, 6> nearest = {0, 6, 6, 1, 6, 7};  // x / 0.25, rounded
  EXPECT_LT(error_of(x, codes, scale, 4), error_of(x, nearest, 0.25F, 4));
}

TEST(ScaleSearch, GroupsBelowTheLimitAreZero) {
  const std::vector<float> x(16, 9e-16F);
  const std::vector<float> weights(16, 1.0F);
  std::vector<std::uint8_t> codes(16, 9);
  EXPECT_EQ(fit_symmetric(x, weights, 4, codes), 0.0F);
  EXPECT_THAT(codes, Each(0));
  codes.assign(16, 9);
  EXPECT_EQ(refine_symmetric(x, 4, codes), 0.0F);
  EXPECT_THAT(codes, Each(0));
  codes.assign(16, 9);
  EXPECT_EQ(fit_positive(x, weights, 15, codes), 0.0F);
  EXPECT_THAT(codes, Each(0));
}

TEST(ScaleSearch, ZeroWeightsGiveScaleZero) {
  const std::vector<float> x = {1.0F, -2.0F, 3.0F};
  const std::vector<float> weights(3, 0.0F);
  std::vector<std::uint8_t> codes(3);
  EXPECT_EQ(fit_symmetric(x, weights, 8, codes), 0.0F);
  EXPECT_EQ(fit_positive(x, weights, 15, codes), 0.0F);
}

TEST(ScaleSearch, AffineFindsAnExactGridAgain) {
  const std::array<float, 4> x = {-1.0F, -0.75F, -0.5F, -0.25F};
  const std::array<float, 4> weights = {1, 1, 1, 1};
  std::array<std::uint8_t, 4> codes{};
  const ScaleAndOffset fit = fit_affine(x, weights, 3, kTrials, codes);
  EXPECT_EQ(fit.scale, 0.25F);
  EXPECT_EQ(fit.minus_min, 1.0F);
  EXPECT_THAT(codes, ElementsAre(0, 1, 2, 3));
}

TEST(ScaleSearch, AffineNeverAddsAPositiveMinimum) {
  const std::array<float, 4> x = {5.0F, 6.0F, 7.0F, 8.0F};
  const std::array<float, 4> weights = {1, 1, 1, 1};
  std::array<std::uint8_t, 4> codes{};
  const ScaleAndOffset fit = fit_affine(x, weights, 15, kTrials, codes);
  EXPECT_EQ(fit.minus_min, 0.0F);
  EXPECT_NEAR(fit.scale * static_cast<float>(codes[3]), 8.0F, 0.3F);
}

TEST(ScaleSearch, AffineOfAConstantNegativeGroupIsItsMinimum) {
  const std::vector<float> x(32, -3.0F);
  const std::vector<float> weights(32, 1.0F);
  std::vector<std::uint8_t> codes(32, 9);
  const ScaleAndOffset fit = fit_affine(x, weights, 15, kTrials, codes);
  EXPECT_EQ(fit.scale, 0.0F);
  EXPECT_EQ(fit.minus_min, 3.0F);
  EXPECT_THAT(codes, Each(0));
}

TEST(ScaleSearch, PositiveFindsAnExactGridAgain) {
  const std::array<float, 4> x = {0.0F, 2.0F, 10.0F, 30.0F};
  const std::array<float, 4> weights = {1, 1, 1, 1};
  std::array<std::uint8_t, 4> codes{};
  EXPECT_EQ(fit_positive(x, weights, 15, codes), 2.0F);
  EXPECT_THAT(codes, ElementsAre(0, 1, 5, 15));
}

}  // namespace
}  // namespace pajamas
