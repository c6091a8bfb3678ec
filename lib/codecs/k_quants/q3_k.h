// SPDX-License-Identifier: Apache-2.0
// Q3_K: 256 weights in 110 bytes, sixteen groups of 16 with signed 6-bit scales.
// w = scale * (group_scale - 32) * (code - 4). docs/codecs/q3_k.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u8[32] byte m, bit n: bit 2 of the code of element m + 32n
//   32  u8[64] byte 32h + m: low 2 bits of elements 128h + m + 32n at bits 2n, n = 0 .. 3
//   96  u8[12] group scales: low 4 bits of group g in byte g % 8, low nibble for g < 8, else
//              high; top 2 bits in byte 8 + g % 4 at bits 2 * (g / 4)
//  108  u16    scale of the group scales, F16
struct Q3_KBlock {
  std::uint8_t high_bits[32];
  std::uint8_t low_bits[64];
  std::uint8_t scales[12];
  std::uint16_t scale_f16;
};
static_assert(sizeof(Q3_KBlock) == dtype_info(DType::kQ3_K).block_bytes);

extern const Codec kQ3_KCodec;

}  // namespace pajamas
