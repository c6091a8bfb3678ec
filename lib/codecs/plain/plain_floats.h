// SPDX-License-Identifier: Apache-2.0
// F32, F16 and BF16: one element is one block, nothing is searched. Little endian.
// The conversions are those of tensor/half.h. docs/codecs/plain.md
#pragma once

#include "codecs/codec.h"

namespace pajamas {

extern const Codec kF32Codec;
extern const Codec kF16Codec;
extern const Codec kBF16Codec;

}  // namespace pajamas
