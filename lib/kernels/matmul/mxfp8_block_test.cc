// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/mxfp8_block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codecs/mlx/mlx_codec.h"
#include "codecs/mlx/small_floats.h"
#include "codecs/testing/codec_inputs.h"

namespace pajamas {
namespace {

using Block = std::array<std::uint8_t, kMxfp8BlockCols>;

struct Made {
  std::uint8_t exponent;
  Block bytes;
  double value(std::size_t col) const { return std::ldexp(bytes[col] - 128, exponent - 127); }
};

Made make(std::uint8_t scale, const Block& codes) {
  Made made{0, codes};
  made.exponent = bytes_of_mxfp8(scale, made.bytes);
  return made;
}

double value_of(std::uint8_t scale, std::uint8_t code) {
  return std::ldexp(static_cast<double>(e4m3_to_f32(code)), scale - 127);
}

TEST(Mxfp8Block, BytesAreTheNumbersOverTheUnit) {
  // 448 sets a unit of 4: 32, 36 and -480 are multiples of it, 30 and -3.5 are not; ties 2 and 6.
  Block codes{};
  codes[0] = 0x7e;
  codes[1] = f32_to_e4m3(32.0F);
  codes[2] = f32_to_e4m3(36.0F);
  codes[3] = 0xff;
  codes[4] = f32_to_e4m3(30.0F);
  codes[5] = f32_to_e4m3(-3.5F);
  codes[6] = f32_to_e4m3(2.0F);
  codes[7] = f32_to_e4m3(-6.0F);
  const Made made = make(127, codes);
  EXPECT_EQ(made.exponent, 129);
  const std::array<int, 8> expected = {112, 8, 9, -120, 8, -1, 0, -2};
  for (std::size_t col = 0; col < expected.size(); ++col) {
    EXPECT_EQ(made.bytes[col] - 128, expected[col]) << col;
  }
  EXPECT_EQ(made.bytes[31], 128);
}

TEST(Mxfp8Block, NumbersFromAnEighthOfTheLargestOnAreExactAndOthersWithinHalfAUnit) {
  for (int largest = 0; largest < 0x80; ++largest) {
    for (const int scale : {0, 3, 8, 9, 10, 127, 243, 250}) {
      const auto byte = static_cast<std::uint8_t>(scale);
      const double peak = value_of(byte, static_cast<std::uint8_t>(largest));
      for (int code = 0; code <= largest; ++code) {
        Block codes{};
        codes[0] = static_cast<std::uint8_t>(largest);
        codes[5] = static_cast<std::uint8_t>(code | 0x80);
        const Made made = make(byte, codes);
        const double unit = std::ldexp(1.0, made.exponent - 127);
        const double want = value_of(byte, codes[5]);
        // Exponents that F32 has no normal numbers for are not gone below.
        ASSERT_TRUE(unit <= peak / 64 || made.exponent == std::max(0, scale - 9));
        ASSERT_LE(std::fabs(made.value(5) - want), unit / 2) << scale << " " << code;
        if (-want >= 8 * unit) {
          ASSERT_EQ(made.value(5), want) << scale << " " << code;
        }
        ASSERT_EQ(made.value(0), std::rint(peak / unit) * unit);
      }
    }
  }
}

TEST(Mxfp8Block, UnitsBeyondF32AreInfinity) {
  Block codes{};
  codes[0] = 0x7e;
  EXPECT_EQ(make(252, codes).exponent, 254);
  EXPECT_EQ(make(253, codes).exponent, 255);
  EXPECT_EQ(make(254, codes).exponent, 255);
  codes[0] = 0x38;  // 1
  EXPECT_EQ(make(254, codes).exponent, 248);
  EXPECT_EQ(make(255, codes).exponent, 255);
  EXPECT_EQ(make(255, Block{}).exponent, 255);
}

TEST(Mxfp8Block, BytesBecomeTheCodesOfTheSameNumbers) {
  for (int shift = 0; shift <= 11; ++shift) {
    for (int code = 0; code < 256; ++code) {
      Block codes{};
      codes[0] = static_cast<std::uint8_t>((shift + 4) << 3);
      codes[1] = static_cast<std::uint8_t>(code);
      if ((code & 0x78) > (codes[0] & 0x78)) continue;
      Made made = make(127, codes);
      const double want = made.value(1);
      codes_of_mxfp8_bytes(made.bytes);
      ASSERT_EQ(value_of(made.exponent, made.bytes[1]), want) << shift << " " << code;
    }
  }
}

// docs/decisions/0008-mxfp8-as-bytes.md
TEST(Mxfp8Block, AddsLittleToTheErrorOfTheFormatOnNormalWeights) {
  double format = 0;
  double added = 0;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    const std::vector<float> row = testing::random_row(seed, 0);
    for (std::size_t first = 0; first + kMxfp8BlockCols <= row.size(); first += kMxfp8BlockCols) {
      const auto group = std::span(row).subspan(first, kMxfp8BlockCols);
      Block codes{};
      std::array<std::byte, kMxfp8BlockCols> code_bytes{};
      std::byte scale{};
      encode_mlx_row(
          {.quantization = with_mlx_defaults(MlxMode::kMxfp8, 0, 0), .scale_dtype = DType::kF32},
          group, {code_bytes, {&scale, 1}, {}});
      std::ranges::transform(code_bytes, codes.begin(), std::to_integer<std::uint8_t>);
      const auto byte = std::to_integer<std::uint8_t>(scale);
      const Made made = make(byte, codes);
      for (std::size_t col = 0; col < kMxfp8BlockCols; ++col) {
        const double stored = value_of(byte, codes[col]);
        format += std::pow(stored - group[col], 2);
        added += std::pow(made.value(col) - stored, 2);
      }
    }
  }
  RecordProperty("added_over_format", std::to_string(added / format));
  EXPECT_LT(added, 0.02 * format);
}

}  // namespace
}  // namespace pajamas
