// SPDX-License-Identifier: Apache-2.0
#include "models/output_rows.h"

#include <algorithm>

#include "base/check.h"

namespace pajamas {
namespace {

// The source row that an output row of the piece is made of, both counted from the piece's start.
std::int64_t source_row_of(const Piece& piece, std::int64_t row) {
  if (piece.order == RowOrder::kSame) return row;
  const std::int64_t head_rows = piece.row_count / piece.heads;
  const std::int64_t in_head = row % head_rows;
  return row - in_head + in_head % 2 * (head_rows / 2) + in_head / 2;
}

bool has_sane_order(const Piece& piece) {
  return piece.order == RowOrder::kSame ||
         (piece.heads > 0 && piece.row_count % (2 * piece.heads) == 0);
}

}  // namespace

Status OutputRows::check(const OutputTensor& tensor) const {
  const bool is_vector = tensor.shape.rank() < 2;
  std::int64_t rows = 0;
  for (const Piece& piece : tensor.pieces) {
    const TensorInfo* source = model_.tensors->find(piece.source);
    if (source == nullptr) {
      return make_error(ErrorCode::kNotFound, "tensor '{}' (for '{}') is not in the source",
                        piece.source, tensor.name);
    }
    PJ_TRY(reader_.check(*source));
    // The elements of a reordered vector count as rows.
    const bool is_column = is_vector && piece.order != RowOrder::kSame;
    const std::int64_t source_rows = is_column ? source->shape.elems() : source->shape.rows();
    const bool fits = piece.first_row >= 0 && piece.row_count > 0 &&
                      piece.first_row <= source_rows - piece.row_count &&
                      source->shape.cols() == tensor.shape.cols() && has_sane_order(piece);
    if (!fits) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}' is {}, expected at least {} rows of {} for '{}'", piece.source,
                        source->shape.to_string(), piece.first_row + piece.row_count,
                        tensor.shape.cols(), tensor.name);
    }
    rows += is_column ? piece.row_count / tensor.shape.cols() : piece.row_count;
  }
  const bool is_whole = tensor.pieces.empty() ? static_cast<std::int64_t>(tensor.constant.size()) ==
                                                    tensor.shape.elems()
                                              : rows == tensor.shape.rows();
  if (is_whole) return {};
  return make_error(ErrorCode::kInvalidData, "tensor '{}' is {}, but its source has {} rows",
                    tensor.name, tensor.shape.to_string(), rows);
}

Status OutputRows::read(const OutputTensor& tensor, std::int64_t first_row, std::int64_t row_count,
                        std::span<std::byte> out) const {
  const std::uint64_t row_size = row_bytes(unquantized_dtype(model_, tensor), tensor.shape.cols());
  PJ_CHECK(out.size() == row_size * static_cast<std::uint64_t>(row_count));
  return read_pieces(tensor, first_row, row_count, out,
                     [&](const TensorInfo& source, std::int64_t first, std::int64_t count,
                         std::span<std::byte> rows) {
                       return read_source_rows(tensor, source, first, count, rows);
                     });
}

Status OutputRows::read_stored(const OutputTensor& tensor, std::int64_t first_row,
                               std::int64_t row_count, std::span<std::byte> out) const {
  const WeightType type = stored_type(model_, tensor);
  if (!type.is_mlx()) return read(tensor, first_row, row_count, out);
  PJ_CHECK(out.size() ==
           row_bytes(type, tensor.shape.cols()) * static_cast<std::uint64_t>(row_count));
  return read_pieces(tensor, first_row, row_count, out,
                     [&](const TensorInfo& source, std::int64_t first, std::int64_t count,
                         std::span<std::byte> rows) {
                       return model_.mlx->read_records(*model_.mlx->find(source.name), first, count,
                                                       rows);
                     });
}

Status OutputRows::read_pieces(const OutputTensor& tensor, std::int64_t first_row,
                               std::int64_t row_count, std::span<std::byte> out,
                               const ReadRows& read_rows) const {
  PJ_CHECK(!tensor.pieces.empty());
  const std::size_t row_size =
      row_count == 0 ? 0 : out.size() / static_cast<std::size_t>(row_count);
  std::int64_t piece_start = 0;
  for (const Piece& piece : tensor.pieces) {
    const std::int64_t begin = std::max(first_row, piece_start);
    const std::int64_t end = std::min(first_row + row_count, piece_start + piece.row_count);
    if (begin < end) {
      const auto offset = static_cast<std::size_t>(begin - first_row) * row_size;
      const auto bytes = static_cast<std::size_t>(end - begin) * row_size;
      PJ_TRY(read_piece(piece, begin - piece_start, end - begin, out.subspan(offset, bytes),
                        read_rows));
    }
    piece_start += piece.row_count;
  }
  return {};
}

Status OutputRows::read_piece(const Piece& piece, std::int64_t first_row, std::int64_t row_count,
                              std::span<std::byte> out, const ReadRows& read_rows) const {
  const TensorInfo& source = *model_.tensors->find(piece.source);
  if (piece.order == RowOrder::kSame) {
    return read_rows(source, piece.first_row + first_row, row_count, out);
  }
  const std::size_t row_size = out.size() / static_cast<std::size_t>(row_count);
  for (std::int64_t row = 0; row < row_count; ++row) {
    PJ_TRY(read_rows(source, piece.first_row + source_row_of(piece, first_row + row), 1,
                     out.subspan(static_cast<std::size_t>(row) * row_size, row_size)));
  }
  return {};
}

Status OutputRows::read_source_rows(const OutputTensor& tensor, const TensorInfo& source,
                                    std::int64_t first_row, std::int64_t row_count,
                                    std::span<std::byte> out) const {
  const std::int64_t cols = tensor.shape.cols();
  const DType wanted = unquantized_dtype(model_, tensor);
  const std::uint64_t source_row_size = row_bytes(source.dtype, cols);
  const std::uint64_t offset = static_cast<std::uint64_t>(first_row) * source_row_size;
  if (source.dtype == wanted && tensor.op == ElementOp::kNone) {
    return model_.tensors->read(source, offset, out);
  }
  std::vector<std::byte> raw(source_row_size * static_cast<std::uint64_t>(row_count));
  PJ_TRY(model_.tensors->read(source, offset, raw));
  std::vector<float> values(static_cast<std::size_t>(row_count * cols));
  PJ_TRY(reader_.decode(source, cols, first_row, row_count, raw, values.data()));
  if (tensor.op == ElementOp::kAddOne) {
    for (float& value : values) value += 1.0F;
  }
  encode_rows(kernels_, wanted, values.data(), row_count, cols, nullptr, out.data());
  return {};
}

Status OutputRows::read_floats(const OutputTensor& tensor, std::int64_t first_row,
                               std::int64_t row_count, std::span<float> out) const {
  const std::int64_t cols = tensor.shape.cols();
  PJ_CHECK(static_cast<std::int64_t>(out.size()) == row_count * cols);
  if (tensor.pieces.empty()) {
    std::copy_n(tensor.constant.begin() + first_row * cols, row_count * cols, out.begin());
    return {};
  }
  std::vector<std::byte> raw;
  std::int64_t piece_start = 0;
  for (const Piece& piece : tensor.pieces) {
    const TensorInfo& source = *model_.tensors->find(piece.source);
    const std::uint64_t row_size = row_bytes(source.dtype, cols);
    const std::int64_t end = std::min(first_row + row_count, piece_start + piece.row_count);
    std::int64_t row = std::max(first_row, piece_start);
    while (row < end) {
      // Rows that follow each other in the source too.
      const std::int64_t count = piece.order == RowOrder::kSame ? end - row : 1;
      const std::int64_t from = piece.first_row + source_row_of(piece, row - piece_start);
      raw.resize(row_size * static_cast<std::uint64_t>(count));
      PJ_TRY(model_.tensors->read(source, static_cast<std::uint64_t>(from) * row_size, raw));
      PJ_TRY(reader_.decode(source, cols, from, count, raw, out.data() + (row - first_row) * cols));
      row += count;
    }
    piece_start += piece.row_count;
  }
  if (tensor.op == ElementOp::kAddOne) {
    for (float& value : out) value += 1.0F;
  }
  return {};
}

Result<std::vector<float>> OutputRows::read_vector(const OutputTensor& tensor) const {
  if (tensor.pieces.empty()) return tensor.constant;
  std::vector<float> result;
  for (const Piece& piece : tensor.pieces) {
    const TensorInfo& source = *model_.tensors->find(piece.source);
    const std::int64_t cols =
        piece.order == RowOrder::kSame ? tensor.shape.cols() : std::int64_t{1};
    const std::uint64_t row_size = row_bytes(source.dtype, cols);
    std::vector<std::byte> raw(row_size * static_cast<std::uint64_t>(piece.row_count));
    PJ_TRY(
        model_.tensors->read(source, static_cast<std::uint64_t>(piece.first_row) * row_size, raw));
    std::vector<float> values(static_cast<std::size_t>(piece.row_count * cols));
    PJ_TRY(reader_.decode(source, cols, piece.first_row, piece.row_count, raw, values.data()));
    for (std::int64_t row = 0; row < piece.row_count; ++row) {
      const auto from = values.begin() + source_row_of(piece, row) * cols;
      result.insert(result.end(), from, from + cols);
    }
  }
  if (tensor.op == ElementOp::kAddOne) {
    for (float& value : result) value += 1.0F;
  }
  return result;
}

}  // namespace pajamas
