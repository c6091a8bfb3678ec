// SPDX-License-Identifier: Apache-2.0
// How one tensor of an output file is made from tensors of the source, as data.
//
// Every output row is exactly one source row (or a computed constant), so conversion streams rows
// and never holds a tensor. Values, copyable, no ownership of anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/shape.h"

namespace pajamas {

// Which source row an output row of a piece comes from.
enum class RowOrder : std::uint8_t {
  kSame,
  // Rotary embedding of halves (Hugging Face) to interleaved pairs (GGUF llama): inside each of
  // `heads` groups of rows, output row 2*i + h is source row h * half + i (h = 0, 1). In a vector
  // (a q or k bias) every element counts as a row.
  kRopeInterleave,
};

// A run of consecutive rows of one source tensor.
struct Piece {
  std::string source;          // name in the source
  std::int64_t first_row = 0;  // in the source's rows (leading dimensions flattened)
  std::int64_t row_count = 0;
  RowOrder order = RowOrder::kSame;
  std::int64_t heads = 1;  // for kRopeInterleave; row_count % (2 * heads) == 0
};

// What is done to every element, in F32, before it is stored.
enum class ElementOp : std::uint8_t { kNone, kAddOne };

struct OutputTensor {
  std::string name;  // in the output file
  Shape shape;       // outermost first; rows() = sum of row_count over pieces
  std::vector<Piece> pieces = {};
  ElementOp op = ElementOp::kNone;
  std::vector<float> constant = {};  // not empty: the values themselves, and no pieces
  // Stored as F32 whatever type was asked for (norms, routers, biases, factors).
  bool keep_f32 = false;
  // An MLX folder has the same source rows, in their own order and with their own values, under
  // this name and shape. No name: the tensor is not in MLX folders.
  std::string mlx_name = {};
  Shape mlx_shape = {};
};

}  // namespace pajamas
