// SPDX-License-Identifier: Apache-2.0
// Q4_K: 256 weights in 144 bytes, eight groups of 32 with 6-bit scales and offsets.
// w = scale * group_scale * code - offset * group_offset. docs/codecs/q4_k.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16     scale of the group scales, F16
//    2  u16     scale of the group offsets, F16
//    4  u8[12]  group scales and offsets (pack_scales_and_offsets)
//   16  u8[128] byte 32g + m: codes of elements 64g + m (low nibble) and 64g + m + 32
struct Q4_KBlock {
  std::uint16_t scale_f16;
  std::uint16_t offset_f16;
  std::uint8_t scales_and_offsets[12];
  std::uint8_t nibbles[128];
};
static_assert(sizeof(Q4_KBlock) == dtype_info(DType::kQ4_K).block_bytes);

extern const Codec kQ4_KCodec;

}  // namespace pajamas
