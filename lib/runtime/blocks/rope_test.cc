// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/rope.h"

#include <cmath>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

const RopeParameters kPlain{.rotated = 64, .theta = 10000.0, .original_context = 4096};

TEST(Rope, PlainFrequenciesFallGeometrically) {
  const auto radians = make_rope_frequencies(kPlain, {}).radians;
  ASSERT_EQ(radians.size(), 32U);
  EXPECT_DOUBLE_EQ(radians[0], 1.0);
  EXPECT_NEAR(radians[16], 0.01, 1e-12);
}

TEST(Rope, LinearScalingAndDivisorsSlowEveryPair) {
  RopeParameters linear = kPlain;
  linear.scaling = RopeScalingKind::kLinear;
  linear.factor = 4;
  EXPECT_DOUBLE_EQ(make_rope_frequencies(linear, {}).radians[0], 0.25);
  const std::vector<float> divisors(32, 8.0F);
  EXPECT_DOUBLE_EQ(make_rope_frequencies(kPlain, divisors).radians[0], 0.125);
}

TEST(Rope, YarnKeepsFastPairsAndSlowsSlowOnes) {
  RopeParameters yarn = kPlain;
  yarn.scaling = RopeScalingKind::kYarn;
  yarn.factor = 8;
  const auto plain = make_rope_frequencies(kPlain, {}).radians;
  const auto radians = make_rope_frequencies(yarn, {}).radians;
  // Turns in 4096 positions: pair p turns 4096 / (2 pi) * 10000^(-p / 32) times, more than 32 up to
  // pair 10 and less than one from pair 23 on.
  EXPECT_DOUBLE_EQ(radians[0], plain[0]);
  EXPECT_DOUBLE_EQ(radians[10], plain[10]);
  EXPECT_LT(radians[16], plain[16]);
  EXPECT_GT(radians[16], plain[16] / 8);
  EXPECT_DOUBLE_EQ(radians[23], plain[23] / 8);
  EXPECT_DOUBLE_EQ(radians[31], plain[31] / 8);
}

}  // namespace
}  // namespace pajamas
