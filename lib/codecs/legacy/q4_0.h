// SPDX-License-Identifier: Apache-2.0
// Q4_0: 32 weights in 18 bytes, one scale. w = scale * (code - 8). docs/codecs/q4_0.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16    scale, F16
//    2  u8[16] low nibble of byte j: code j, high nibble: code j + 16
struct Q4_0Block {
  std::uint16_t scale_f16;
  std::uint8_t nibbles[16];
};
static_assert(sizeof(Q4_0Block) == dtype_info(DType::kQ4_0).block_bytes);

extern const Codec kQ4_0Codec;

}  // namespace pajamas
