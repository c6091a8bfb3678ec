// SPDX-License-Identifier: Apache-2.0
// 256 columns of one row between its stored blocks and its packed form: codes as bytes, and the
// fields of the head. One pair of functions per type moves them from and to the stored blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/weight_type.h"
#include "kernels/matmul/packed_form.h"

namespace pajamas {

struct RowChunk {
  alignas(4) std::uint8_t codes[kChunkCols];
  std::uint16_t halves[4 * kChunkBlocks];
  std::uint8_t bytes[16];
};

struct PackedType {
  DType dtype;
  PackedForm form;
  void (*split)(const std::byte* stored, int n_blocks, RowChunk& chunk);
  void (*join)(const RowChunk& chunk, int n_blocks, std::byte* stored);
};

// nullptr for types that are not block quantized.
const PackedType* find_packed_type(DType dtype);

// The same for MLX's types, whose parts of a chunk do not lie together: columns [col, col + 256) of
// a row's record, or what is left of them.
PackedForm mlx_packed_form(WeightType type);
void split_mlx(WeightType type, std::int64_t cols, const std::byte* record, std::int64_t col,
               RowChunk& chunk);
// The record of a row of just those `n` columns.
void join_mlx(WeightType type, const RowChunk& chunk, std::int64_t n, std::byte* record);

}  // namespace pajamas
