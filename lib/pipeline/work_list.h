// SPDX-License-Identifier: Apache-2.0
// A conversion cut into pieces of work that each read one contiguous range of the source.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "base/error.h"
#include "pipeline/model.h"
#include "models/row_reader.h"

namespace pajamas {

struct WorkItem {
  std::int32_t tensor = 0;  // index into Model::outputs
  const Piece* piece = nullptr;
  const TensorInfo* source = nullptr;
  std::int64_t cols = 0;        // elements of a row; 1 where a vector is reordered
  std::int64_t source_row = 0;  // first row in the source tensor
  std::int64_t rows = 0;
  std::int64_t out_row = 0;  // first row in the output tensor
  // A tensor of a few kilobytes, done before all others: norms stand at the end of the source and
  // at the front of the output, whose hash would wait for them.
  bool is_early = false;

  [[nodiscard]] std::uint64_t source_row_bytes() const { return row_bytes(source->dtype, cols); }
  [[nodiscard]] std::uint64_t source_offset() const {  // in the tensor
    return static_cast<std::uint64_t>(source_row) * source_row_bytes();
  }
  [[nodiscard]] std::uint64_t source_bytes() const {
    return static_cast<std::uint64_t>(rows) * source_row_bytes();
  }
};

struct WorkList {
  std::vector<WorkItem> items;      // early ones, then in the order of the source files
  std::int64_t max_item_elems = 0;  // of the largest item
  std::uint64_t total_bytes = 0;    // read from the source
};

// Items of about `chunk_elems` elements, at least a row (a head, where rows are reordered) and
// never across experts, for all outputs but those in `skip`. Errors: a source tensor that is
// missing, too small, or of a type that cannot be converted.
Result<WorkList> make_work_list(const Model& model, const RowReader& reader,
                                const std::set<std::int64_t>& skip, std::int64_t chunk_elems);

// A vector whose elements are reordered like rows (the bias of a rotary projection) is a column.
std::int64_t cols_of(const OutputTensor& tensor);

// Rows of the matrices a tensor stacks: shape (experts, rows, cols) has `experts` of them.
std::int64_t rows_per_matrix(const Shape& shape);

}  // namespace pajamas
