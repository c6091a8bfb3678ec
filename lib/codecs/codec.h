// SPDX-License-Identifier: Apache-2.0
// How a row of weights is stored: one Codec per DType that a converter can write.
//
// The scalar functions here ARE the specification of each type; the kernels layer gives the same
// bytes faster. Rows are independent: a row's bytes depend on that row (and its importance) alone.
// All functions are pure and may run on many threads.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/dtype.h"

namespace pajamas {

// row: n floats, all finite, n a multiple of the block. importance: empty, or n weights >= 0 that
// say how much an error in each column costs (an imatrix row). out: row_bytes(dtype, n) bytes.
using EncodeRowFn = void (*)(std::span<const float> row, std::span<const float> importance,
                             std::span<std::byte> out);
// The inverse: in has row_bytes(dtype, n) bytes, row n floats. Any bytes are safe to decode.
using DecodeRowFn = void (*)(std::span<const std::byte> in, std::span<float> row);

struct Codec {
  DType dtype;
  EncodeRowFn encode_row;
  DecodeRowFn decode_row;
  bool uses_importance;           // false: the importance is accepted and ignored
  float max_rmse_on_unit_normal;  // stated error, held by a test over all codecs
};

// The codec of a type, nullptr for types that are not written (integers, F64, FP8).
const Codec* find_codec(DType dtype);
std::span<const Codec* const> all_codecs();

}  // namespace pajamas
