// SPDX-License-Identifier: Apache-2.0
// Q5_1: 32 weights in 24 bytes, a scale and a minimum. w = scale * code + min.
// docs/codecs/q5_1.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16    scale, F16
//    2  u16    minimum, F16
//    4  u8[4]  fifth bits: bit j of the little-endian word is bit 4 of code j
//    8  u8[16] low nibble of byte j: code j, high nibble: code j + 16
struct Q5_1Block {
  std::uint16_t scale_f16;
  std::uint16_t min_f16;
  std::uint8_t fifth_bits[4];
  std::uint8_t nibbles[16];
};
static_assert(sizeof(Q5_1Block) == dtype_info(DType::kQ5_1).block_bytes);

extern const Codec kQ5_1Codec;

}  // namespace pajamas
