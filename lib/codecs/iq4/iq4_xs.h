// SPDX-License-Identifier: Apache-2.0
// IQ4_XS: 256 weights in 136 bytes, the levels of IQ4_NL, eight groups of 32 with signed 6-bit
// scales. w = scale * (group_scale - 32) * level[code]. docs/codecs/iq4_xs.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16     scale of the group scales, F16
//    2  u16     top 2 bits of the scale of group g at bits 2g
//    4  u8[4]   byte g / 2: low 4 bits of the scale of group g, low nibble for even g
//    8  u8[128] byte 16g + j: codes of elements 32g + j (low nibble) and 32g + j + 16
struct IQ4_XSBlock {
  std::uint16_t scale_f16;
  std::uint16_t scales_high;
  std::uint8_t scales_low[4];
  std::uint8_t nibbles[128];
};
static_assert(sizeof(IQ4_XSBlock) == dtype_info(DType::kIQ4_XS).block_bytes);

extern const Codec kIQ4_XSCodec;

}  // namespace pajamas
