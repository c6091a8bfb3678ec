// SPDX-License-Identifier: Apache-2.0
// What the rows of a weight matrix are stored as: a DType, or a quantization of MLX.
//
// A row of MLX lies in two or three tensors of its file. In memory it is one record here: its
// codes, then its scales, then its biases, without gaps, so that whoever handles rows needs to know
// only how many bytes one has. docs/decisions/0007-mlx-weight-types.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "codecs/mlx/mlx_codec.h"
#include "codecs/mlx/mlx_quantization.h"
#include "tensor/dtype.h"

namespace pajamas {

class WeightType {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): every DType is a weight type
  constexpr WeightType(DType dtype) : dtype_(dtype) {}
  // scale_dtype: of scales and biases in affine mode, without meaning in the others.
  constexpr WeightType(const MlxQuantization& quantization, DType scale_dtype)
      : dtype_(scale_dtype),
        mode_(quantization.mode),
        bits_(static_cast<std::uint8_t>(quantization.bits)),
        group_size_(static_cast<std::uint8_t>(quantization.group_size)) {}

  friend constexpr bool operator==(const WeightType&, const WeightType&) = default;

  [[nodiscard]] constexpr bool is_mlx() const { return bits_ > 0; }
  // Of a type that is not MLX's; of one that is, the type of its scales.
  [[nodiscard]] constexpr DType dtype() const { return dtype_; }
  // Of MLX's types.
  [[nodiscard]] constexpr MlxQuantization quantization() const {
    return {mode_, bits_, group_size_};
  }
  [[nodiscard]] std::string name() const {  // "q4_k", "affine4_g64"
    return is_mlx() ? quantization().name() : std::string(dtype_name(dtype_));
  }
  // A row is a multiple of this long.
  [[nodiscard]] constexpr std::int64_t block_elems() const {
    return is_mlx() ? group_size_ : dtype_info(dtype_).block_elems;
  }

 private:
  DType dtype_;
  MlxMode mode_ = MlxMode::kAffine;
  std::uint8_t bits_ = 0;  // 0: not MLX's
  std::uint8_t group_size_ = 0;
};

// Bytes of a row, of MLX's types those of the record.
inline std::uint64_t row_bytes(WeightType type, std::int64_t cols) {
  if (!type.is_mlx()) return row_bytes(type.dtype(), cols);
  const MlxQuantization quantization = type.quantization();
  const std::uint64_t scales = quantization.scale_bytes(cols, type.dtype());
  return quantization.code_bytes(cols) + (quantization.has_biases() ? 2 : 1) * scales;
}

// The parts of the record of a row of `cols` weights of one of MLX's types: those of its columns
// [first_col, first_col + n), whole groups.
inline MlxRowView view_mlx_record(WeightType type, const std::byte* record, std::int64_t cols,
                                  std::int64_t first_col, std::int64_t n) {
  const MlxQuantization quantization = type.quantization();
  const std::byte* const scales = record + quantization.code_bytes(cols);
  const std::byte* const biases = scales + quantization.scale_bytes(cols, type.dtype());
  const std::uint64_t first_code = quantization.code_bytes(first_col);
  const std::uint64_t first_scale = quantization.scale_bytes(first_col, type.dtype());
  const std::uint64_t scale_bytes = quantization.scale_bytes(n, type.dtype());
  return {{record + first_code, static_cast<std::size_t>(quantization.code_bytes(n))},
          {scales + first_scale, static_cast<std::size_t>(scale_bytes)},
          {biases + first_scale,
           static_cast<std::size_t>(quantization.has_biases() ? scale_bytes : 0)}};
}

}  // namespace pajamas
