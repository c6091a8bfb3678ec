// SPDX-License-Identifier: Apache-2.0
#include "models/row_reader.h"

#include <algorithm>
#include <string>

namespace pajamas {
namespace {

bool is_fp8(DType dtype) { return dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2; }

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

const TensorInfo* RowReader::fp8_scales(const TensorInfo& tensor) const {
  return source_.find(tensor.name + "_scale_inv");
}

Status RowReader::check(const TensorInfo& tensor) const {
  const bool is_readable = is_block_quantized(tensor.dtype) || is_fp8(tensor.dtype) ||
                           tensor.dtype == DType::kF32 || tensor.dtype == DType::kF16 ||
                           tensor.dtype == DType::kBF16;
  if (!is_readable) {
    return make_error(
        ErrorCode::kUnsupported,
        "tensor '{}' is stored as {}, which cannot be converted; expected F32, F16, "
        "BF16 or FP8 weights. If the checkpoint is quantized, start from the original",
        tensor.name, dtype_name(tensor.dtype));
  }
  if (!is_fp8(tensor.dtype)) return {};
  if (tensor.shape.rank() != 2) {
    return make_error(
        ErrorCode::kUnsupported,
        "FP8 tensor '{}' is {}, expected a matrix: scales belong to blocks of rows and "
        "columns",
        tensor.name, tensor.shape.to_string());
  }
  const TensorInfo* scales = fp8_scales(tensor);
  if (scales == nullptr) {
    return make_error(ErrorCode::kUnsupported,
                      "FP8 tensor '{}' has no '{}_scale_inv' beside it; only block-scaled FP8 "
                      "checkpoints are read",
                      tensor.name, tensor.name);
  }
  const Shape expected{ceil_div(tensor.shape.rows(), fp8_block_[0]),
                       ceil_div(tensor.shape.cols(), fp8_block_[1])};
  const bool is_float = scales->dtype == DType::kF32 || scales->dtype == DType::kBF16;
  if (scales->shape != expected || !is_float) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}' is {} {}, expected F32 or BF16 {} for blocks of {} x {}", scales->name,
                      dtype_name(scales->dtype), scales->shape.to_string(), expected.to_string(),
                      fp8_block_[0], fp8_block_[1]);
  }
  return {};
}

Status RowReader::decode(const TensorInfo& tensor, std::int64_t cols, std::int64_t first_row,
                         std::int64_t row_count, std::span<const std::byte> raw, float* out) const {
  decode_rows(kernels_, tensor.dtype, raw.data(), row_count, cols, out);
  if (is_fp8(tensor.dtype)) PJ_TRY(apply_fp8_scales(tensor, first_row, row_count, out));
  return {};
}

Status RowReader::apply_fp8_scales(const TensorInfo& tensor, std::int64_t first_row,
                                   std::int64_t row_count, float* rows) const {
  const TensorInfo& scales = *fp8_scales(tensor);
  const std::int64_t cols = tensor.shape.cols();
  const std::int64_t per_row = scales.shape.cols();
  const std::int64_t first = first_row / fp8_block_[0];
  const std::int64_t last = (first_row + row_count - 1) / fp8_block_[0];
  const auto row_size = row_bytes(scales.dtype, per_row);
  std::vector<std::byte> raw(row_size * static_cast<std::uint64_t>(last - first + 1));
  PJ_TRY(source_.read(scales, static_cast<std::uint64_t>(first) * row_size, raw));
  std::vector<float> values(static_cast<std::size_t>((last - first + 1) * per_row));
  decode_rows(kernels_, scales.dtype, raw.data(), last - first + 1, per_row, values.data());
  for (std::int64_t row = 0; row < row_count; ++row) {
    const float* row_scales = values.data() + ((first_row + row) / fp8_block_[0] - first) * per_row;
    float* row_values = rows + row * cols;
    for (std::int64_t block = 0; block < per_row; ++block) {
      const std::int64_t end = std::min(cols, (block + 1) * fp8_block_[1]);
      for (std::int64_t col = block * fp8_block_[1]; col < end; ++col) {
        row_values[col] *= row_scales[block];
      }
    }
  }
  return {};
}

}  // namespace pajamas
