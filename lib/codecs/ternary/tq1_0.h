// SPDX-License-Identifier: Apache-2.0
// TQ1_0: 256 weights of -1, 0, 1 in 54 bytes, five to a byte, one scale.
// w = scale * (trit - 1). docs/codecs/tq1_0.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block. A byte holds the fraction of its base-3 digits: ceil(number * 256 / 243), first
// digit most significant, so that multiplying by 3 brings the next digit out at the top.
//    0  u8[32] byte m: elements m, m + 32, .. m + 128
//   32  u8[16] byte m: elements 160 + m, 160 + m + 16, .. 160 + m + 64
//   48  u8[4]  byte m: elements 240 + m, 244 + m, 248 + m, 252 + m, and a last digit 0
//   52  u16    scale, F16
struct TQ1_0Block {
  std::uint8_t fives[48];
  std::uint8_t fours[4];
  std::uint16_t scale_f16;
};
static_assert(sizeof(TQ1_0Block) == dtype_info(DType::kTQ1_0).block_bytes);

extern const Codec kTQ1_0Codec;

}  // namespace pajamas
