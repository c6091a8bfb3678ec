// SPDX-License-Identifier: Apache-2.0
// TQ2_0: 256 weights of -1, 0, 1 in 66 bytes, two bits each, one scale.
// w = scale * (code - 1). docs/codecs/tq2_0.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u8[64] byte 32h + m: elements 128h + m + 32n at bits 2n, n = 0 .. 3
//   64  u16    scale, F16
struct TQ2_0Block {
  std::uint8_t codes[64];
  std::uint16_t scale_f16;
};
static_assert(sizeof(TQ2_0Block) == dtype_info(DType::kTQ2_0).block_bytes);

extern const Codec kTQ2_0Codec;

}  // namespace pajamas
