// SPDX-License-Identifier: Apache-2.0
// Q5_0: 32 weights in 22 bytes, one scale. w = scale * (code - 16). docs/codecs/q5_0.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16    scale, F16
//    2  u8[4]  fifth bits: bit j of the little-endian word is bit 4 of code j
//    6  u8[16] low nibble of byte j: code j, high nibble: code j + 16
struct Q5_0Block {
  std::uint16_t scale_f16;
  std::uint8_t fifth_bits[4];
  std::uint8_t nibbles[16];
};
static_assert(sizeof(Q5_0Block) == dtype_info(DType::kQ5_0).block_bytes);

extern const Codec kQ5_0Codec;

}  // namespace pajamas
