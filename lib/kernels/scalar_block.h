// SPDX-License-Identifier: Apache-2.0
// The way back from a kernel to the scalar codec, for blocks a kernel cannot encode exactly.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace pajamas {

// Encodes n weights with the scalar codec. importance: nullptr or n weights.
void encode_scalar(DType dtype, const float* x, const float* importance, std::int64_t n,
                   std::byte* out);

}  // namespace pajamas
