// SPDX-License-Identifier: Apache-2.0
// IQ4_NL: 32 weights in 18 bytes, 4-bit codes of 16 fixed uneven levels, one scale.
// w = scale * level[code]. docs/codecs/iq4_nl.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16    scale, F16
//    2  u8[16] low nibble of byte j: code j, high nibble: code j + 16
struct IQ4_NLBlock {
  std::uint16_t scale_f16;
  std::uint8_t nibbles[16];
};
static_assert(sizeof(IQ4_NLBlock) == dtype_info(DType::kIQ4_NL).block_bytes);

extern const Codec kIQ4_NLCodec;

}  // namespace pajamas
