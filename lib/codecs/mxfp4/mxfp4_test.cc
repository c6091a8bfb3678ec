// SPDX-License-Identifier: Apache-2.0
#include "codecs/mxfp4/mxfp4.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace pajamas {
namespace {

TEST(MXFP4, HalfScaleIsAPowerOfTwoForEveryExponent) {
  for (int exponent = 0; exponent < 256; ++exponent) {
    EXPECT_EQ(mxfp4_half_scale(static_cast<std::uint8_t>(exponent)),
              std::ldexp(1.0F, exponent - 128));
  }
}

TEST(MXFP4, ExponentIsTheFloorOfALogarithmRoundedToFloat) {
  // Around every power of two: 300 floats below and some above. The logarithm in double decides
  // where its float would round up to a whole number.
  for (int power = -149; power <= 127; ++power) {
    const auto bits = std::bit_cast<std::uint32_t>(std::ldexp(1.0F, power));
    for (std::uint32_t offset = 0; offset < 310; ++offset) {
      if (bits + 10 <= offset) continue;
      const float value = std::bit_cast<float>(bits + 10 - offset);
      if (!(value > 0.0F)) continue;
      const auto rounded = static_cast<float>(std::log2(static_cast<double>(value)));
      const int expected = static_cast<int>(std::floor(rounded)) + 125;
      ASSERT_EQ(mxfp4_exponent(value), static_cast<std::uint8_t>(expected & 0xff))
          << value << " near 2^" << power;
    }
  }
  EXPECT_EQ(mxfp4_exponent(0.0F), 0);
}

TEST(MXFP4, StoresItsOwnLevelsExactly) {
  const std::array<float, 32> row = {0.0F, 0.5F,  1.0F,  1.5F,  2.0F,  3.0F,  4.0F,  6.0F,
                                     0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F};
  std::array<std::byte, sizeof(MXFP4Block)> bytes{};
  kMXFP4Codec.encode_row(row, {}, bytes);
  EXPECT_EQ(bytes[0], std::byte{127});
  EXPECT_EQ(bytes[1 + 7], std::byte{0x07});  // 6 in the low nibble; element 23, zero, in the high
  std::array<float, 32> back{};
  kMXFP4Codec.decode_row(bytes, back);
  EXPECT_EQ(back, row);
}

}  // namespace
}  // namespace pajamas
