// SPDX-License-Identifier: Apache-2.0
// Rows of MLX-quantized matrices: floats to codes, scales and biases, and back.
//
// The default gives the bytes of MLX's own CPU kernels; the Metal variant rounds as MLX does on a
// GPU. kBest searches for smaller errors in the same format: every reader of the default reads it.
// Pure functions, for any number of threads. docs/codecs/mlx.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "codecs/mlx/mlx_quantization.h"

namespace pajamas {

enum class MlxRounding : std::uint8_t { kCpu, kMetal };
enum class MlxQuality : std::uint8_t { kDefault, kBest };

struct MlxEncoding {
  MlxQuantization quantization;
  // F32, F16 or BF16: the type MLX holds the weights in, and in affine mode scales and biases.
  DType scale_dtype = DType::kBF16;
  MlxRounding rounding = MlxRounding::kCpu;
  MlxQuality quality = MlxQuality::kDefault;
};

// What one row becomes: code_bytes(), scale_bytes() and, in affine mode, scale_bytes() again.
struct MlxRowBytes {
  std::span<std::byte> codes;
  std::span<std::byte> scales;
  std::span<std::byte> biases;
};
struct MlxRowView {
  std::span<const std::byte> codes;
  std::span<const std::byte> scales;
  std::span<const std::byte> biases;
};

// row: finite floats whose number fits the quantization. MLX quantizes what it has cast to the type
// of the scales; values that are not of that type already must be rounded to it first to get its
// bytes.
void encode_mlx_row(const MlxEncoding& encoding, std::span<const float> row,
                    const MlxRowBytes& out);

// The stored weights in F32, products and sums rounded once each. Any bytes are safe to decode.
void decode_mlx_row(const MlxQuantization& quantization, DType scale_dtype, const MlxRowView& in,
                    std::span<float> row);

}  // namespace pajamas
