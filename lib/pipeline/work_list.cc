// SPDX-License-Identifier: Apache-2.0
#include "pipeline/work_list.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kEarlyBytes = std::uint64_t{64} << 10;

bool is_column(const OutputTensor& tensor) {
  return tensor.shape.rank() == 1 && !tensor.pieces.empty() &&
         tensor.pieces.front().order == RowOrder::kRopeInterleave;
}

Result<const TensorInfo*> find_piece_source(const Model& model, const OutputTensor& output,
                                            const Piece& piece) {
  const TensorInfo* source = model.tensors->find(piece.source);
  if (source == nullptr) {
    return make_error(ErrorCode::kNotFound, "tensor '{}' (for '{}') is not in the source",
                      piece.source, output.name);
  }
  const std::int64_t source_rows = is_column(output) ? source->shape.elems() : source->shape.rows();
  const bool fits = piece.first_row >= 0 && piece.row_count > 0 &&
                    piece.first_row <= source_rows - piece.row_count &&
                    source->shape.cols() == output.shape.cols();
  if (!fits) {
    return make_error(ErrorCode::kInvalidData,
                      "tensor '{}' is {}, expected at least {} rows of {} for '{}'", piece.source,
                      source->shape.to_string(), piece.first_row + piece.row_count,
                      output.shape.cols(), output.name);
  }
  return source;
}

void append_items(WorkList& list, WorkItem item, std::int64_t row_count, std::int64_t step,
                  std::int64_t matrix_rows) {
  const std::int64_t end = item.out_row + row_count;
  while (item.out_row < end) {
    const std::int64_t matrix_left = matrix_rows - item.out_row % matrix_rows;
    item.rows = std::min({step, matrix_left, end - item.out_row});
    list.items.push_back(item);
    list.max_item_elems = std::max(list.max_item_elems, item.rows * item.cols);
    list.total_bytes += item.source_bytes();
    item.source_row += item.rows;
    item.out_row += item.rows;
  }
}

}  // namespace

std::int64_t cols_of(const OutputTensor& tensor) {
  return is_column(tensor) ? 1 : tensor.shape.cols();
}

std::int64_t rows_per_matrix(const Shape& shape) {
  return shape.rank() > 2 ? std::max<std::int64_t>(1, shape.rows() / shape.dims[0])
                          : std::max<std::int64_t>(1, shape.rows());
}

Result<WorkList> make_work_list(const Model& model, const RowReader& reader,
                                const std::set<std::int64_t>& skip, std::int64_t chunk_elems) {
  WorkList list;
  for (std::size_t t = 0; t < model.outputs.size(); ++t) {
    if (skip.contains(static_cast<std::int64_t>(t))) continue;
    const OutputTensor& output = model.outputs[t];
    const std::int64_t cols = cols_of(output);
    const std::int64_t matrix_rows =
        is_column(output) ? output.shape.elems() : rows_per_matrix(output.shape);
    std::int64_t out_row = 0;
    for (const Piece& piece : output.pieces) {
      const TensorInfo* source = PJ_TRY(find_piece_source(model, output, piece));
      PJ_TRY(reader.check(*source));
      std::int64_t step = std::max<std::int64_t>(1, chunk_elems / std::max<std::int64_t>(1, cols));
      if (piece.order == RowOrder::kRopeInterleave) {
        PJ_CHECK(piece.heads > 0 && piece.row_count % (2 * piece.heads) == 0);
        const std::int64_t head_rows = piece.row_count / piece.heads;
        step = std::max<std::int64_t>(1, step / head_rows) * head_rows;
      }
      append_items(list,
                   WorkItem{.tensor = static_cast<std::int32_t>(t),
                            .piece = &piece,
                            .source = source,
                            .cols = cols,
                            .source_row = piece.first_row,
                            .rows = 0,
                            .out_row = out_row,
                            .is_early = source->bytes <= kEarlyBytes},
                   piece.row_count, step, matrix_rows);
      out_row += piece.row_count;
    }
    PJ_CHECK(!output.constant.empty() || out_row * cols == output.shape.elems());
  }
  std::ranges::sort(list.items, {}, [](const WorkItem& item) {
    return std::tuple(!item.is_early, item.source->file,
                      item.source->file_offset + item.source_offset(), item.tensor, item.out_row);
  });
  return list;
}

}  // namespace pajamas
