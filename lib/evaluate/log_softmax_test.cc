// SPDX-License-Identifier: Apache-2.0
#include "evaluate/log_softmax.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::HasSubstr;

TEST(ExpOfNegative, IsWithinTwoUnitsInTheLastPlace) {
  for (int step = 0; step <= 86'000; ++step) {
    const float x = -static_cast<float>(step) / 1000.0F;
    const double exact = std::exp(static_cast<double>(x));
    EXPECT_NEAR(static_cast<double>(exp_of_negative(x)) / exact, 1.0, 2.4e-7) << x;
  }
  EXPECT_EQ(exp_of_negative(0.0F), 1.0F);
}

TEST(ExpOfNegative, OfWhatIsFarBelowIsTinyAndOfNanIsNan) {
  EXPECT_LT(exp_of_negative(-1e30F), 1e-37F);
  EXPECT_LT(exp_of_negative(-std::numeric_limits<float>::infinity()), 1e-37F);
  EXPECT_TRUE(std::isnan(exp_of_negative(std::numeric_limits<float>::quiet_NaN())));
}

std::vector<float> wavy(std::size_t count) {
  std::vector<float> logits(count);
  for (std::size_t i = 0; i < count; ++i) {
    logits[i] = 9.0F * std::sin(static_cast<float>(i) * 0.37F) - 3.0F;
  }
  return logits;
}

TEST(Normalize, GivesTheLogarithmOfTheSumOfExponentials) {
  // Lengths around the blocks that sums are made in.
  for (const std::size_t count : {1, 7, 8, 255, 256, 257, 1000}) {
    const std::vector<float> logits = wavy(count);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
    const Normalizer normalizer = *normalize(logits);
    for (const float logit : logits) {
      EXPECT_NEAR(normalizer.log_probability(logit), static_cast<double>(logit) - std::log(sum),
                  2e-6);
    }
  }
}

TEST(Normalize, NamesTheFirstOfTheLargest) {
  EXPECT_EQ(normalize(std::vector<float>{1, 5, 5, 2})->top, 1);
}

TEST(Normalize, RefusesWhatIsNoDistribution) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& logits :
       {std::vector<float>{1, nan, 2}, {nan, nan}, {1, infinity}, {-infinity, -infinity}}) {
    const auto normalizer = normalize(logits);
    ASSERT_FALSE(normalizer.has_value());
    EXPECT_THAT(normalizer.error().message, HasSubstr("not finite"));
  }
}

}  // namespace
}  // namespace pajamas
