// SPDX-License-Identifier: Apache-2.0
#include "codecs/rounding.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Rounding, NearestIntRoundsHalvesToEven) {
  EXPECT_EQ(nearest_int(0.5F), 0);
  EXPECT_EQ(nearest_int(1.5F), 2);
  EXPECT_EQ(nearest_int(-2.5F), -2);
  EXPECT_EQ(nearest_int(-3.5F), -4);
  EXPECT_EQ(nearest_int(4194303.0F), 4194303);
  EXPECT_EQ(nearest_int(-4194303.0F), -4194303);
}

TEST(Rounding, NearestIntOfInfinityIsTheLeastAndOfNanIsZero) {
  EXPECT_EQ(nearest_int(kInfinity), -0x400000);
  EXPECT_EQ(nearest_int(-kInfinity), -0x400000);
  EXPECT_EQ(nearest_int(kNan), 0);
}

TEST(Rounding, TruncationOutOfRangeGivesTheLeastInteger) {
  EXPECT_EQ(truncate_to_i32(-1.9F), -1);
  EXPECT_EQ(truncate_to_i32(-0x1p31F), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(truncate_to_i32(0x1p31F), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(truncate_to_i32(kNan), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(truncate_to_i32(kInfinity), std::numeric_limits<std::int32_t>::min());
}

TEST(Rounding, BytesAreTheLowEightBits) {
  EXPECT_EQ(truncate_to_u8(257.9F), 1);
  EXPECT_EQ(truncate_to_u8(-1.0F), 255);
  EXPECT_EQ(truncate_to_i8(200.0F), -56);
  EXPECT_EQ(truncate_to_i8(kInfinity), 0);
}

}  // namespace
}  // namespace pajamas
