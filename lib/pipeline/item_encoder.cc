// SPDX-License-Identifier: Apache-2.0
#include "pipeline/item_encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/kernel_table.h"

namespace pajamas {
namespace {

// The error in the report is measured on every 8th row: exact enough, and nearly free.
constexpr std::int64_t kErrorRowStep = 8;
constexpr std::int64_t kRoundedAtOnce = 1024;  // elements

// Source order (halves) to output order (pairs), head by head. See RowOrder::kRopeInterleave.
void interleave_rows(const float* in, float* out, std::int64_t rows, std::int64_t cols,
                     std::int64_t head_rows) {
  const std::int64_t half = head_rows / 2;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t in_head = row % head_rows;
    const std::int64_t from = row - in_head + in_head % 2 * half + in_head / 2;
    std::memcpy(out + row * cols, in + from * cols, static_cast<std::size_t>(cols) * sizeof(float));
  }
}

// Sixteen partial sums: one would wait for itself at every element.
void add_row_error(const float* original, const float* stored, std::int64_t cols,
                   TensorStats& stats) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> squared_error{};
  std::array<float, kLanes> squared_sum{};
  const auto add = [&](std::size_t lane, float value, float error) {
    squared_error[lane] += error * error;
    squared_sum[lane] += value * value;
  };
  const auto count = static_cast<std::size_t>(cols);
  std::size_t col = 0;
  for (; col + kLanes <= count; col += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      add(lane, original[col + lane], original[col + lane] - stored[col + lane]);
    }
  }
  for (; col < count; ++col) add(0, original[col], original[col] - stored[col]);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    stats.squared_error += squared_error[lane];
    stats.squared_sum += squared_sum[lane];
  }
}

}  // namespace

std::span<std::byte> ItemEncoder::raw_buffer(const WorkItem& item) {
  raw_.resize(item.source_bytes());
  return raw_;
}

Status ItemEncoder::load(const RowReader& reader, const WorkItem& item,
                         const OutputTensor& tensor) {
  item_ = item;
  tensor_ = &tensor;
  is_transformed_ = false;
  const std::int64_t elems = item.rows * item.cols;
  rows_.resize(static_cast<std::size_t>(elems));
  PJ_TRY(reader.decode(*item.source, item.cols, item.source_row, item.rows, raw_, rows_.data()));
  const std::int64_t bad = find_non_finite(nullptr, rows_.data(), elems);
  if (bad < 0) return {};
  return make_error(
      ErrorCode::kInvalidData,
      "tensor '{}' has {} at row {}, column {} (element {}); expected finite "
      "weights. The checkpoint is damaged or its training diverged",
      item.source->name, std::isnan(rows_[static_cast<std::size_t>(bad)]) ? "NaN" : "infinity",
      item.source_row + bad / item.cols, bad % item.cols, item.source_row * item.cols + bad);
}

const float* ItemEncoder::gguf_rows() {
  const bool adds_one = tensor_->op == ElementOp::kAddOne;
  const bool reorders = item_.piece->order == RowOrder::kRopeInterleave;
  if (!adds_one && !reorders) return rows_.data();
  if (!is_transformed_) {
    transformed_.resize(rows_.size());
    if (reorders) {
      interleave_rows(rows_.data(), transformed_.data(), item_.rows, item_.cols,
                      item_.piece->row_count / item_.piece->heads);
    } else {
      transformed_ = rows_;
    }
    if (adds_one) {
      for (float& value : transformed_) value += 1.0F;
    }
    is_transformed_ = true;
  }
  return transformed_.data();
}

Result<std::span<const EncodedPart>> ItemEncoder::encode(const PlannedOutput& output,
                                                         const PlannedTensor& planned,
                                                         TensorStats& stats) {
  parts_.clear();
  if (planned.mlx) {
    PJ_TRY(encode_mlx(output, planned, stats));
  } else {
    PJ_TRY(encode_plain(planned, output.is_in_source_order() ? rows_.data() : gguf_rows(), stats));
  }
  return parts_;
}

Status ItemEncoder::encode_plain(const PlannedTensor& planned, const float* rows,
                                 TensorStats& stats) {
  const std::int64_t cols = item_.cols;
  const std::uint64_t bytes_per_row = row_bytes(planned.dtype, cols);
  const std::uint64_t offset = static_cast<std::uint64_t>(item_.out_row) * bytes_per_row;
  // A block type that stays as it is keeps its very bytes.
  if (is_block_quantized(planned.dtype) && planned.dtype == item_.source->dtype) {
    parts_.push_back({offset, raw_});
    return {};
  }
  const std::int64_t matrix = item_.out_row / rows_per_matrix(tensor_->shape);
  const float* importance =
      planned.importance == nullptr ? nullptr : planned.importance->values.data() + matrix * cols;
  encoded_.resize(static_cast<std::uint64_t>(item_.rows) * bytes_per_row);
  encode_rows(nullptr, planned.dtype, rows, item_.rows, cols, importance, encoded_.data());
  if (planned.dtype == DType::kF16) PJ_TRY(check_f16_range(rows));
  if (planned.dtype != DType::kF32) measure_error(planned.dtype, rows, stats);
  parts_.push_back({offset, encoded_});
  return {};
}

// MLX casts a weight to its own type before it quantizes it, and so do we.
Status ItemEncoder::encode_mlx(const PlannedOutput& output, const PlannedTensor& planned,
                               TensorStats& stats) {
  const MlxQuantization& quantization = *planned.mlx;
  MlxEncoding encoding = output.mlx_encoding;
  encoding.quantization = quantization;
  const DType dtype = encoding.scale_dtype;
  const std::int64_t cols = item_.cols;
  const auto rows = static_cast<std::uint64_t>(item_.rows);
  const std::uint64_t code_bytes = quantization.code_bytes(cols);
  const std::uint64_t scale_bytes = quantization.scale_bytes(cols, dtype);
  const std::uint64_t bias_bytes = quantization.has_biases() ? scale_bytes : 0;
  encoded_.resize(rows * (code_bytes + scale_bytes + bias_bytes));
  const std::span all(encoded_);
  const std::span codes = all.first(rows * code_bytes);
  const std::span scales = all.subspan(codes.size(), rows * scale_bytes);
  const std::span biases = all.subspan(codes.size() + scales.size());
  decoded_.resize(static_cast<std::size_t>(cols));
  rounded_.resize(static_cast<std::size_t>(cols));
  const bool is_cast = item_.source->dtype != dtype;
  for (std::uint64_t r = 0; r < rows; ++r) {
    const MlxRowBytes row_bytes{codes.subspan(r * code_bytes, code_bytes),
                                scales.subspan(r * scale_bytes, scale_bytes),
                                biases.subspan(r * bias_bytes, bias_bytes)};
    const float* source = rows_.data() + static_cast<std::int64_t>(r) * cols;
    const float* values = source;
    if (is_cast && dtype != DType::kF32) {
      PJ_TRY(round_row(source, dtype));
      values = rounded_.data();
    }
    encode_mlx_row(encoding, {values, static_cast<std::size_t>(cols)}, row_bytes);
    if ((item_.out_row + static_cast<std::int64_t>(r)) % kErrorRowStep != 0) continue;
    decode_mlx_row(quantization, dtype, {row_bytes.codes, row_bytes.scales, row_bytes.biases},
                   decoded_);
    add_row_error(source, decoded_.data(), cols, stats);
  }
  const auto first = static_cast<std::uint64_t>(item_.out_row);
  parts_.push_back({first * code_bytes, codes});
  parts_.push_back({first * scale_bytes, scales});
  if (bias_bytes > 0) parts_.push_back({first * bias_bytes, biases});
  return {};
}

// Into rounded_.
Status ItemEncoder::round_row(const float* row, DType dtype) {
  std::array<std::byte, 2 * kRoundedAtOnce> stored{};
  const std::int64_t cols = item_.cols;
  for (std::int64_t col = 0; col < cols; col += kRoundedAtOnce) {
    const std::int64_t count = std::min(kRoundedAtOnce, cols - col);
    encode_rows(nullptr, dtype, row + col, 1, count, nullptr, stored.data());
    decode_rows(nullptr, dtype, stored.data(), 1, count, rounded_.data() + col);
  }
  const std::int64_t bad = find_non_finite(nullptr, rounded_.data(), cols);
  return bad < 0 ? Status{} : out_of_range(dtype, row[bad]);
}

// Weights that F16 would turn into infinity make a file that no reader can use.
Status ItemEncoder::check_f16_range(const float* rows) {
  const std::int64_t elems = item_.rows * item_.cols;
  decoded_.resize(static_cast<std::size_t>(elems));
  decode_rows(nullptr, DType::kF16, encoded_.data(), item_.rows, item_.cols, decoded_.data());
  const std::int64_t bad = find_non_finite(nullptr, decoded_.data(), elems);
  return bad < 0 ? Status{} : out_of_range(DType::kF16, rows[bad]);
}

std::unexpected<Error> ItemEncoder::out_of_range(DType dtype, float value) const {
  if (dtype != DType::kF16) {
    return make_error(ErrorCode::kUnsupported,
                      "tensor '{}' has the value {}, which BF16 cannot "
                      "hold; choose F32",
                      item_.source->name, value);
  }
  return make_error(ErrorCode::kUnsupported,
                    "tensor '{}' has the value {}, which F16 (up to 65504) cannot hold; choose "
                    "BF16 or F32",
                    item_.source->name, value);
}

void ItemEncoder::measure_error(DType dtype, const float* rows, TensorStats& stats) {
  const std::int64_t cols = item_.cols;
  decoded_.resize(static_cast<std::size_t>(cols));
  const std::uint64_t bytes_per_row = row_bytes(dtype, cols);
  const std::int64_t first = (kErrorRowStep - item_.out_row % kErrorRowStep) % kErrorRowStep;
  for (std::int64_t row = first; row < item_.rows; row += kErrorRowStep) {
    decode_rows(nullptr, dtype, encoded_.data() + static_cast<std::uint64_t>(row) * bytes_per_row,
                1, cols, decoded_.data());
    add_row_error(rows + row * cols, decoded_.data(), cols, stats);
  }
}

}  // namespace pajamas
