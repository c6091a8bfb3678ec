// SPDX-License-Identifier: Apache-2.0
// MXFP4: 32 weights in 17 bytes, 4-bit floats (E2M1) under a shared power of two (E8M0).
// w = level * 2^(exponent - 128), where the levels are twice the E2M1 values. docs/codecs/mxfp4.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u8     exponent, biased by 127
//    1  u8[16] low nibble of byte j: code j, high nibble: code j + 16
struct MXFP4Block {
  std::uint8_t exponent;
  std::uint8_t nibbles[16];
};
static_assert(sizeof(MXFP4Block) == dtype_info(DType::kMXFP4).block_bytes);

// Twice the E2M1 value of each code, so that all are whole. Code 8 (minus zero) decodes to +0.
inline constexpr std::int8_t kMXFP4Levels[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(exponent - 128): half of the block's scale, to go with the doubled levels.
float mxfp4_half_scale(std::uint8_t exponent);

// The exponent byte for a block of that largest magnitude: floor(log2(magnitude)) + 125 in the low
// 8 bits, where the logarithm is the one rounded to float. 0 for a block of zeros.
std::uint8_t mxfp4_exponent(float magnitude);

extern const Codec kMXFP4Codec;

}  // namespace pajamas
