// SPDX-License-Identifier: Apache-2.0
#include "codecs/mlx/mlx_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "codecs/mlx/affine_group.h"
#include "codecs/mlx/small_floats.h"

namespace pajamas {
namespace {

constexpr std::int64_t kCols = 256;

struct Stored {
  std::vector<std::byte> codes, scales, biases;
};

Stored encode(const MlxEncoding& encoding, std::span<const float> row) {
  const MlxQuantization& q = encoding.quantization;
  const auto cols = std::ssize(row);
  Stored stored;
  stored.codes.resize(q.code_bytes(cols));
  stored.scales.resize(q.scale_bytes(cols, encoding.scale_dtype));
  if (q.has_biases()) stored.biases.resize(stored.scales.size());
  encode_mlx_row(encoding, row, {stored.codes, stored.scales, stored.biases});
  return stored;
}

std::vector<float> round_trip(const MlxEncoding& encoding, std::span<const float> row) {
  const Stored stored = encode(encoding, row);
  std::vector<float> back(row.size());
  decode_mlx_row(encoding.quantization, encoding.scale_dtype,
                 {stored.codes, stored.scales, stored.biases}, back);
  return back;
}

// Sums of twelve uniform values: close to normal, of standard deviation 0.02, in BF16.
std::vector<float> normal_row(std::uint64_t seed, std::int64_t cols) {
  std::vector<float> row(static_cast<std::size_t>(cols));
  for (float& x : row) {
    float sum = -6;
    for (int i = 0; i < 12; ++i) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      sum += static_cast<float>(seed >> 40) * 0x1p-24F;
    }
    x = round_to_dtype(0.02F * sum, DType::kBF16);
  }
  return row;
}

double relative_error(const MlxEncoding& encoding) {
  double error = 0;
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 64; ++seed) {
    const std::vector<float> row = normal_row(seed, kCols);
    const std::vector<float> back = round_trip(encoding, row);
    for (std::size_t i = 0; i < row.size(); ++i) {
      error += std::pow(static_cast<double>(row[i]) - static_cast<double>(back[i]), 2);
      sum += std::pow(static_cast<double>(row[i]), 2);
    }
  }
  return error / sum;
}

std::vector<MlxQuantization> all_quantizations() {
  std::vector<MlxQuantization> all;
  for (const int bits : kMlxBits) {
    for (const int group : kMlxGroupSizes) all.push_back({MlxMode::kAffine, bits, group});
  }
  for (const MlxMode mode : {MlxMode::kMxfp4, MlxMode::kMxfp8, MlxMode::kNvfp4}) {
    all.push_back(with_mlx_defaults(mode, 0, 0));
  }
  return all;
}

// What quality best has to reach, as a share of the default's mean square error.
double largest_share(const MlxQuantization& quantization) {
  if (quantization.mode == MlxMode::kMxfp4) return 0.95;
  // Its codes are floats themselves: another power of two changes next to nothing.
  if (quantization.mode == MlxMode::kMxfp8) return 1.0;
  if (quantization.mode == MlxMode::kNvfp4) return 0.85;
  return quantization.bits == 2 ? 0.75 : 0.92;
}

TEST(MlxCodec, QualityBestLosesLessThanTheDefaultAtEveryWidth) {
  for (const MlxQuantization& quantization : all_quantizations()) {
    MlxEncoding encoding{.quantization = quantization};
    const double plain = relative_error(encoding);
    encoding.quality = MlxQuality::kBest;
    const double best = relative_error(encoding);
    EXPECT_LE(best, largest_share(quantization) * plain) << quantization.name();
    RecordProperty(quantization.name(), fmt::format("{:.3g} -> {:.3g}", plain, best));
  }
}

// Why --quality best has nothing to find in mxfp8: under a scale that clips nothing, every weight
// has the nearest of E4M3's values, and those are the same under any power of two but for the
// subnormal ones, five orders of magnitude below the error of the others.
TEST(MlxCodec, NoScaleOfMxfp8LosesLessThanTheDefaults) {
  const MlxEncoding encoding{.quantization = with_mlx_defaults(MlxMode::kMxfp8, 0, 0)};
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::vector<float> row = normal_row(seed, 32);
    const Stored stored = encode(encoding, row);
    const auto chosen = std::to_integer<int>(stored.scales[0]);
    const auto error_under = [&](int scale) {
      const float value = e8m0_to_f32(static_cast<std::uint8_t>(scale));
      double error = 0;
      for (const float x : row) {
        const double back = static_cast<double>(e4m3_to_f32(f32_to_e4m3(x / value)) * value);
        error += std::pow(static_cast<double>(x) - back, 2);
      }
      return error;
    };
    for (int scale = chosen - 12; scale <= chosen + 12; ++scale) {
      EXPECT_GE(error_under(scale), error_under(chosen) * (1 - 1e-5)) << seed << ": " << scale;
    }
  }
}

TEST(MlxCodec, QualityBestIsNeverWorseOnAnyGroup) {
  for (const MlxQuantization& quantization : all_quantizations()) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      std::vector<float> row = normal_row(seed, quantization.group_size == 16 ? 32 : 128);
      row[3] *= 50;
      MlxEncoding encoding{.quantization = quantization};
      const auto squared = [&](const std::vector<float>& back) {
        float sum = 0;
        for (std::size_t i = 0; i < row.size(); ++i) {
          sum += (row[i] - back[i]) * (row[i] - back[i]);
        }
        return sum;
      };
      const float plain = squared(round_trip(encoding, row));
      encoding.quality = MlxQuality::kBest;
      // The searches add in another order.
      EXPECT_LE(squared(round_trip(encoding, row)), plain * 1.0001F) << quantization.name();
    }
  }
}

TEST(MlxCodec, SizesFollowFromModeBitsAndGroup) {
  const MlxQuantization four{MlxMode::kAffine, 4, 64};
  EXPECT_EQ(four.code_bytes(128), 64U);
  EXPECT_EQ(four.scale_bytes(128, DType::kBF16), 4U);
  EXPECT_EQ(four.scale_bytes(128, DType::kF32), 8U);
  EXPECT_EQ(four.name(), "affine4_g64");
  EXPECT_FALSE(four.fits(96));
  const MlxQuantization nvfp4 = with_mlx_defaults(MlxMode::kNvfp4, 0, 0);
  EXPECT_EQ(nvfp4.scale_bytes(128, DType::kBF16), 8U);
  EXPECT_EQ(nvfp4.name(), "nvfp4");
}

TEST(MlxCodec, RefusesWhatMlxDoesNotHaveAndSaysWhatItHas) {
  const Status bits = check_mlx_quantization({MlxMode::kAffine, 7, 64});
  ASSERT_FALSE(bits);
  EXPECT_THAT(bits.error().message, testing::HasSubstr("7-bit"));
  EXPECT_THAT(bits.error().message, testing::HasSubstr("2, 3, 4, 5, 6, 8"));
  EXPECT_FALSE(check_mlx_quantization({MlxMode::kAffine, 4, 16}));
  EXPECT_FALSE(check_mlx_quantization({MlxMode::kMxfp4, 4, 64}));
}

TEST(MlxCodec, EdgeAndZeroAreExact) {
  std::vector<float> row(64, 0.0F);
  row[0] = -1.5F;
  row[1] = 0.75F;
  for (const int bits : kMlxBits) {
    const auto back = round_trip({.quantization = {MlxMode::kAffine, bits, 64}}, row);
    EXPECT_EQ(back[0], -1.5F) << bits;
    EXPECT_NEAR(back[2], 0.0F, 0.01F) << bits;
  }
}

TEST(MlxCodec, TheGpuVariantRoundsTiesAwayAndReachesUpToZero) {
  // scale 1, bias 0 downward: 1.5 steps lie between codes 1 and 2.
  std::vector<float> row(32, 0.0F);
  row[0] = -15.0F;
  row[1] = -12.5F;
  MlxEncoding encoding{.quantization = {MlxMode::kAffine, 4, 32}, .scale_dtype = DType::kF32};
  EXPECT_EQ(round_trip(encoding, row)[1], -13.0F);  // code 2.5 goes to the even 2
  encoding.rounding = MlxRounding::kMetal;
  EXPECT_EQ(round_trip(encoding, row)[1], -12.0F);

  std::vector<float> negative(32, -1.0F);
  negative[0] = -1.5F;
  EXPECT_EQ(round_trip(encoding, negative)[1], -1.0F);
  const AffineParams gpu = choose_affine(negative, 4, MlxRounding::kMetal);
  const AffineParams cpu = choose_affine(negative, 4, MlxRounding::kCpu);
  EXPECT_FLOAT_EQ(gpu.scale, 0.1F);
  EXPECT_LT(cpu.scale, 0.04F);
}

TEST(MlxCodec, AnyFloatsAndAnyBytesAreSafe) {
  constexpr float kHuge = std::numeric_limits<float>::max();
  const std::vector<std::vector<float>> rows = {
      std::vector<float>(256, 0.0F), std::vector<float>(256, kHuge),
      std::vector<float>(256, -kHuge), std::vector<float>(256, 1e-45F)};
  for (const MlxQuantization& quantization : all_quantizations()) {
    for (const MlxQuality quality : {MlxQuality::kDefault, MlxQuality::kBest}) {
      for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
        for (std::vector<float> row : rows) {
          row[7] = -row[7];
          static_cast<void>(round_trip(
              {.quantization = quantization, .scale_dtype = dtype, .quality = quality}, row));
        }
      }
    }
    Stored stored = encode({.quantization = quantization}, rows[0]);
    for (auto* part : {&stored.codes, &stored.scales, &stored.biases}) {
      std::ranges::fill(*part, std::byte{0xff});
    }
    std::vector<float> back(256);
    decode_mlx_row(quantization, DType::kBF16, {stored.codes, stored.scales, stored.biases}, back);
  }
}

TEST(SmallFloats, EveryByteSurvivesARoundTrip) {
  for (int byte = 0; byte < 256; ++byte) {
    if ((byte & 0x7f) == 0x7f) continue;
    const auto code = static_cast<std::uint8_t>(byte);
    EXPECT_EQ(f32_to_e4m3(e4m3_to_f32(code)), code);
    if (byte != 255) {
      EXPECT_EQ(e8m0_not_below(e8m0_to_f32(code)), code) << byte;
    }
  }
  EXPECT_EQ(e4m3_to_f32(0x7f), 480.0F);
  EXPECT_EQ(f32_to_e4m3(1e9F), 0x7e);
  EXPECT_EQ(f32_to_e4m3(0.0029296875F), 0x02);  // a tie of subnormals
  EXPECT_EQ(e8m0_not_below(1.0000001F), 128);
  for (std::uint8_t code = 0; code < 16; ++code) {
    EXPECT_EQ(f32_to_e2m1_even(e2m1_to_f32(code)), code);
    EXPECT_EQ(f32_to_e2m1_toward_zero(e2m1_to_f32(code)), code == 8 ? 0 : code);
  }
}

}  // namespace
}  // namespace pajamas
