// SPDX-License-Identifier: Apache-2.0
// Q8_0: 32 weights in 34 bytes, one scale. w = scale * code. docs/codecs/q8_0.md
#pragma once

#include <cstdint>

#include "codecs/codec.h"

namespace pajamas {

// Bytes of a block:
//    0  u16    scale, F16
//    2  i8[32] codes
struct Q8_0Block {
  std::uint16_t scale_f16;
  std::int8_t codes[32];
};
static_assert(sizeof(Q8_0Block) == dtype_info(DType::kQ8_0).block_bytes);

extern const Codec kQ8_0Codec;

}  // namespace pajamas
