// SPDX-License-Identifier: Apache-2.0
#include "codecs/iq4/nonlinear_fit.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace pajamas {
namespace {

TEST(NonlinearFit, EachLevelIsNearestToItself) {
  for (std::size_t code = 0; code < kIQ4Levels.size(); ++code) {
    EXPECT_EQ(nearest_iq4_level(static_cast<float>(kIQ4Levels[code])), code);
  }
}

TEST(NonlinearFit, TheUpperOfTwoEquallyNearLevelsIsTaken) {
  EXPECT_EQ(nearest_iq4_level(-4.5F), 8);  // between -10 and 1
  EXPECT_EQ(nearest_iq4_level(7.0F), 9);   // between 1 and 13
  EXPECT_EQ(nearest_iq4_level(6.99F), 8);
  EXPECT_EQ(nearest_iq4_level(-115.5F), 1);  // between -127 and -104
}

TEST(NonlinearFit, ValuesBeyondTheEndsAndNanTakeAnEnd) {
  EXPECT_EQ(nearest_iq4_level(-1e30F), 0);
  EXPECT_EQ(nearest_iq4_level(1e30F), 15);
  EXPECT_EQ(nearest_iq4_level(std::numeric_limits<float>::quiet_NaN()), 15);
}

TEST(NonlinearFit, FindsTheScaleOfExactLevels) {
  std::vector<float> x;
  for (const std::int8_t level : kIQ4Levels) x.push_back(0.25F * static_cast<float>(level));
  const std::vector<float> weights(x.size(), 1.0F);
  EXPECT_EQ(fit_iq4_scale(x, weights), 0.25F);
}

TEST(NonlinearFit, ScaleIsZeroWithoutMagnitudeOrWithoutWeight) {
  const std::vector<float> tiny(32, 9e-16F);
  const std::vector<float> ones(32, 1.0F);
  const std::vector<float> zeros(32, 0.0F);
  EXPECT_EQ(fit_iq4_scale(tiny, ones), 0.0F);
  EXPECT_EQ(fit_iq4_scale(ones, zeros), 0.0F);
}

}  // namespace
}  // namespace pajamas
