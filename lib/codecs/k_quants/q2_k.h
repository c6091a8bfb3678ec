// SPDX-License-Identifier: Apache-2.0
// Q2_K: 256 weights in 84 bytes, sixteen groups of 16 with 4-bit scales and offsets.
// w = scale * group_scale * code - offset * group_offset. docs/codecs/q2_k.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u8[16] low nibble: scale of the group, high nibble: its offset
//   16  u8[64] byte 32h + m: codes of elements 128h + m + 32n at bits 2n, n = 0 .. 3
//   80  u16    scale of the group scales, F16
//   82  u16    scale of the group offsets, F16
struct Q2_KBlock {
  std::uint8_t scales_and_offsets[16];
  std::uint8_t codes[64];
  std::uint16_t scale_f16;
  std::uint16_t offset_f16;
};
static_assert(sizeof(Q2_KBlock) == dtype_info(DType::kQ2_K).block_bytes);

extern const Codec kQ2_KCodec;

}  // namespace pajamas
