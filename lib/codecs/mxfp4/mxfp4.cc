// SPDX-License-Identifier: Apache-2.0
#include "codecs/mxfp4/mxfp4.h"

#include <array>
#include <bit>
#include <cmath>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/nibbles.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 32;

// floor of log2(value) after its rounding to float, for finite value > 0, in integers alone so that
// no math library decides a byte. It is the binary exponent, except that values a few units below
// 2^k round up to k. With a significand of 2^24 - gap, log2 lies gap * 2^-24 / ln 2 below k; it
// rounds to k when that is under half a float's spacing there, 2^(b-24) with b the binade below k
// (above it for k < 0): when gap < ln 2 * 2^b.
int floor_log2_rounded(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  std::uint32_t significand = bits & 0x7fffffU;
  int exponent = static_cast<int>(bits >> 23) - 127;
  if (exponent == -127) {  // denormal: shift the leading one up to bit 23
    const int shift = std::countl_zero(significand) - 8;
    significand <<= shift;
    exponent = -126 - shift;
  }
  const std::uint32_t gap = (1U << 24) - (significand | (1U << 23));
  const int next = exponent + 1;
  // floor(ln 2 * 2^b); no value but the power itself rounds to one of -1, 0, 1, 2.
  constexpr std::array<std::uint32_t, 8> kLargestGap = {0, 1, 2, 5, 11, 22, 44, 88};
  const auto distance = static_cast<unsigned>(next > 0 ? next - 1 : -next);
  const unsigned binade = distance == 0 ? 0U : static_cast<unsigned>(std::bit_width(distance)) - 1U;
  return gap <= kLargestGap[binade] ? next : exponent;
}

// The code whose value is nearest; the lowest of equals.
std::uint8_t nearest_code(float x, float half_scale) {
  std::uint8_t best = 0;
  float best_error = std::fabs(0.0F * half_scale - x);
  for (std::uint8_t code = 1; code < 16; ++code) {
    const float error = std::fabs(static_cast<float>(kMXFP4Levels[code]) * half_scale - x);
    if (error < best_error) {
      best = code;
      best_error = error;
    }
  }
  return best;
}

void encode_mxfp4(std::span<const float> row, std::span<const float> importance,
                  std::span<std::byte> out) {
  encode_blocks<MXFP4Block, kElems>(row, importance, out,
                                    [](Elems<kElems> x, std::span<const float>) {
                                      MXFP4Block block{};
                                      block.exponent = mxfp4_exponent(find_block_peak(x).magnitude);
                                      const float half_scale = mxfp4_half_scale(block.exponent);
                                      std::array<std::uint8_t, kElems> codes{};
                                      for (std::size_t i = 0; i < kElems; ++i)
                                        codes[i] = nearest_code(x[i], half_scale);
                                      pack_nibbles(codes, block.nibbles);
                                      return block;
                                    });
}

void decode_mxfp4(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<MXFP4Block, kElems>(
      in, row, [](const MXFP4Block& block, std::span<float, kElems> x) {
        const float half_scale = mxfp4_half_scale(block.exponent);
        std::array<std::uint8_t, kElems> codes{};
        unpack_nibbles(block.nibbles, codes);
        for (std::size_t i = 0; i < kElems; ++i) {
          x[i] = static_cast<float>(kMXFP4Levels[codes[i]]) * half_scale;
        }
      });
}

}  // namespace

float mxfp4_half_scale(std::uint8_t exponent) {
  // The two smallest are denormal: 2^-128 and 2^-127.
  if (exponent < 2) return std::bit_cast<float>(0x00200000U << exponent);
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent - 1) << 23);
}

std::uint8_t mxfp4_exponent(float magnitude) {
  if (!(magnitude > 0.0F)) return 0;
  // 2 is the exponent of the largest E2M1 value, 6. Magnitudes under 2^-125 wrap around, as in the
  // reference; all codes of such a block become 0.
  return static_cast<std::uint8_t>(floor_log2_rounded(magnitude) - 2 + 127);
}

constexpr Codec kMXFP4Codec{.dtype = DType::kMXFP4,
                            .encode_row = encode_mxfp4,
                            .decode_row = decode_mxfp4,
                            .uses_importance = false,
                            .max_rmse_on_unit_normal = 0.125F};

}  // namespace pajamas
