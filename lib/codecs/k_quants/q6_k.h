// SPDX-License-Identifier: Apache-2.0
// Q6_K: 256 weights in 210 bytes, sixteen groups of 16 with signed 8-bit scales.
// w = scale * group_scale * (code - 32). docs/codecs/q6_k.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u8[128] byte 64h + m: low 4 bits of elements 128h + m (low nibble) and 128h + m + 64
//  128  u8[64]  byte 32h + m: top 2 bits of elements 128h + m + 32n at bits 2n, n = 0 .. 3
//  192  i8[16]  group scales
//  208  u16     scale of the group scales, F16
struct Q6_KBlock {
  std::uint8_t low_bits[128];
  std::uint8_t high_bits[64];
  std::int8_t scales[16];
  std::uint16_t scale_f16;
};
static_assert(sizeof(Q6_KBlock) == dtype_info(DType::kQ6_K).block_bytes);

extern const Codec kQ6_KCodec;

}  // namespace pajamas
