// SPDX-License-Identifier: Apache-2.0
#include "kernels/scalar_block.h"

#include <span>

#include "base/check.h"
#include "codecs/codec.h"

namespace pajamas {

void encode_scalar(DType dtype, const float* x, const float* importance, std::int64_t n,
                   std::byte* out) {
  const Codec* const codec = find_codec(dtype);
  PJ_CHECK(codec != nullptr);
  const auto elems = static_cast<std::size_t>(n);
  codec->encode_row({x, elems},
                    importance == nullptr ? std::span<const float>() : std::span(importance, elems),
                    {out, static_cast<std::size_t>(row_bytes(dtype, n))});
}

}  // namespace pajamas
