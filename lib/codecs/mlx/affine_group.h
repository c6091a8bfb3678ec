// SPDX-License-Identifier: Apache-2.0
// One group of MLX's affine mode: the choice of scale and bias, and codes for given ones.
//
// The scale is negative when the largest weight is positive: bias is the weight of largest
// magnitude, which code 0 holds exactly, and zero falls on a code of its own.
#pragma once

#include <cstdint>
#include <span>

#include "codecs/mlx/mlx_codec.h"
#include "tensor/half.h"

namespace pajamas {

inline constexpr std::size_t kMaxMlxGroup = 128;

struct AffineParams {
  float scale = 0;
  float bias = 0;
};

// A scale or bias as it reads back from storage.
inline float round_to_dtype(float value, DType dtype) {
  if (dtype == DType::kBF16) return bf16_to_f32(f32_to_bf16(value));
  if (dtype == DType::kF16) return f16_to_f32(f32_to_f16(value));
  return value;
}

inline AffineParams round_params(const AffineParams& params, DType dtype) {
  return {round_to_dtype(params.scale, dtype), round_to_dtype(params.bias, dtype)};
}

// MLX's choice. The group is a multiple of 32 long.
AffineParams choose_affine(std::span<const float> group, int bits, MlxRounding rounding);

// code = round((x - bias) / scale), held within the width.
void code_affine(std::span<const float> group, const AffineParams& params, int bits,
                 MlxRounding rounding, std::span<std::uint8_t> codes);

// Scale and bias, already of type `dtype`, and codes of small squared error; never of a larger one
// than MLX's.
AffineParams search_affine(std::span<const float> group, int bits, DType dtype,
                           MlxRounding rounding, std::span<std::uint8_t> codes);

}  // namespace pajamas
