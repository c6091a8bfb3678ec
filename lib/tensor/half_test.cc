// SPDX-License-Identifier: Apache-2.0
#include "tensor/half.h"

#include <gtest/gtest.h>

#include <limits>

namespace pajamas {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The value of a finite half by its definition.
float defined_value(unsigned half) {
  const int exponent = static_cast<int>((half >> 10) & 0x1fU);
  const auto mantissa = static_cast<float>(half & 0x3ffU);
  const float magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024.0F, exponent - 25);
  return (half & 0x8000U) != 0 ? -magnitude : magnitude;
}

TEST(Half, EveryF16HasItsDefinedValueAndComesBack) {
  for (unsigned half = 0; half < 0x10000U; ++half) {
    const auto bits = static_cast<std::uint16_t>(half);
    const float value = f16_to_f32(bits);
    if ((half & 0x7fffU) > 0x7c00U) {
      ASSERT_TRUE(std::isnan(value)) << half;
      ASSERT_NE(std::bit_cast<std::uint32_t>(value) & 0x400000U, 0U) << half;  // quiet
      ASSERT_EQ(f32_to_f16(value), (half & 0x8000U) | 0x7e00U);
      continue;
    }
    if ((half & 0x7fffU) == 0x7c00U) {
      ASSERT_EQ(value, (half & 0x8000U) != 0 ? -kInfinity : kInfinity);
    } else {
      ASSERT_EQ(value, defined_value(half)) << half;
    }
    ASSERT_EQ(f32_to_f16(value), half);
  }
}

TEST(Half, BetweenTwoF16sTheNearerIsTakenAndTheEvenOneOnATie) {
  for (unsigned half = 0; half < 0x7bffU; ++half) {
    const float low = defined_value(half);
    const float high = defined_value(half + 1);
    const float middle = low + (high - low) * 0.5F;  // exact: floats have 13 more bits
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, low)), half);
    ASSERT_EQ(f32_to_f16(middle), half + half % 2) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, high)), half + 1);
    ASSERT_EQ(f32_to_f16(-middle), (half + half % 2) | 0x8000U);
  }
}

TEST(Half, F16BecomesInfinityFrom65520On) {
  EXPECT_EQ(f32_to_f16(65519.996F), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7c00);
  EXPECT_EQ(f32_to_f16(-3.0e38F), 0xfc00);
}

TEST(Half, TinyValuesBecomeZerosOfTheirSign) {
  EXPECT_EQ(f32_to_f16(0x1p-25F), 0);  // a tie with 0, which is even
  EXPECT_EQ(f32_to_f16(std::nextafter(0x1p-25F, 1.0F)), 1);
  EXPECT_EQ(f32_to_f16(-0x1p-149F), 0x8000);
}

TEST(Half, EveryBF16ComesBack) {
  for (unsigned half = 0; half < 0x10000U; ++half) {
    const auto bits = static_cast<std::uint16_t>(half);
    const float value = bf16_to_f32(bits);
    const bool nan = (half & 0x7fffU) > 0x7f80U;
    ASSERT_EQ(std::isnan(value), nan);
    ASSERT_EQ(f32_to_bf16(value), nan ? half | 0x40U : half);
  }
}

TEST(Half, BF16RoundsToNearestEven) {
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808000U)), 0x3f80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808001U)), 0x3f81);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f818000U)), 0x3f82);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f7fffffU)), 0x7f80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x00018000U)), 0x0002);  // denormals too
}

TEST(Half, F8ValuesFollowTheirFormats) {
  EXPECT_EQ(f8_e4m3_to_f32(0x00), 0.0F);
  EXPECT_EQ(f8_e4m3_to_f32(0x01), 0x1p-9F);
  EXPECT_EQ(f8_e4m3_to_f32(0x08), 0x1p-6F);
  EXPECT_EQ(f8_e4m3_to_f32(0x38), 1.0F);
  EXPECT_EQ(f8_e4m3_to_f32(0x7e), 448.0F);
  EXPECT_EQ(f8_e4m3_to_f32(0xfe), -448.0F);
  EXPECT_TRUE(std::isnan(f8_e4m3_to_f32(0x7f)));
  EXPECT_TRUE(std::isnan(f8_e4m3_to_f32(0xff)));
  EXPECT_EQ(f8_e5m2_to_f32(0x3c), 1.0F);
  EXPECT_EQ(f8_e5m2_to_f32(0x7b), 57344.0F);
  EXPECT_EQ(f8_e5m2_to_f32(0xfc), -kInfinity);
}

}  // namespace
}  // namespace pajamas
