// SPDX-License-Identifier: Apache-2.0
// The weights of an MLX folder, ours or anyone's: every module's codes, scales and biases together,
// and the whole as a TensorSource of plain tensors.
//
// Opening checks that the parts of every quantized module are there and fit each other; reads after
// that fail only when a file changes or breaks. Owns the open files. All const methods may be
// called from many threads. docs/formats/mlx.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "codecs/mlx/mlx_quantization.h"
#include "codecs/weight_type.h"
#include "formats/mlx/mlx_config.h"
#include "tensor/tensor_source.h"

namespace pajamas {

struct MlxTensor {
  std::string name;            // "model.layers.0.mlp.up_proj.weight"
  Shape shape;                 // in weights, whatever they are stored as
  DType dtype = DType::kBF16;  // of the tensor; where it is quantized, of scales and biases
  std::optional<MlxQuantization> quantization;
  // In MlxFolder::stored(). `codes` is the tensor itself where it is not quantized; no scales then.
  const TensorInfo* codes = nullptr;
  const TensorInfo* scales = nullptr;
  const TensorInfo* biases = nullptr;  // in affine mode

  [[nodiscard]] WeightType type() const {
    return quantization ? WeightType(*quantization, dtype) : WeightType(dtype);
  }
};

class MlxFolder {
 public:
  static Result<std::unique_ptr<MlxFolder>> open(const std::filesystem::path& folder,
                                                 const MlxQuantizationConfig& config);

  // In the order of the files and of the codes in them.
  [[nodiscard]] std::span<const MlxTensor> tensors() const { return tensors_; }
  [[nodiscard]] const MlxTensor* find(std::string_view name) const;
  [[nodiscard]] const TensorSource& stored() const { return *stored_; }

  // Rows of a quantized tensor as the records that WeightType describes. `out` has row_count of
  // them.
  [[nodiscard]] Status read_records(const MlxTensor& tensor, std::int64_t first_row,
                                    std::int64_t row_count, std::span<std::byte> out) const;

  // Rows of a quantized tensor as F32; leading dimensions count as rows. `out` has row_count rows.
  [[nodiscard]] Status decode_rows(const MlxTensor& tensor, std::int64_t first_row,
                                   std::int64_t row_count, std::span<float> out) const;

 private:
  Status add_quantized(const TensorInfo& weight, std::string_view module,
                       const MlxQuantizationConfig& config);

  std::unique_ptr<TensorSource> stored_;
  std::vector<MlxTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // keys live in tensors_
};

// With the quantization that the folder's own config.json names; without one, every tensor is
// plain.
Result<std::unique_ptr<MlxFolder>> open_mlx_folder(const std::filesystem::path& folder);

// The folder as if nothing were quantized: quantized tensors are F32, decoded as they are read.
// Their offsets in the files are those of their codes. Borrows the folder.
std::unique_ptr<TensorSource> make_mlx_source(const MlxFolder& folder);

}  // namespace pajamas
