// SPDX-License-Identifier: Apache-2.0
// How MLX stores a quantized matrix: a mode, a width in bits, and how many weights of a row share a
// scale. Sizes follow from these three; the arithmetic is in mlx_codec.h.
//
// A row lies in two or three tensors: the codes, a scale per group, and in affine mode a bias per
// group. That is why these are no DTypes. Values, free to copy. docs/codecs/mlx.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tensor/dtype.h"

namespace pajamas {

enum class MlxMode : std::uint8_t {
  kAffine,  // w = scale * code + bias, floating-point scale and bias
  kMxfp4,   // E2M1 codes under a power of two (E8M0)
  kMxfp8,   // E4M3 codes under a power of two
  kNvfp4,   // E2M1 codes under an E4M3 scale
};

struct MlxQuantization {
  MlxMode mode = MlxMode::kAffine;
  int bits = 4;
  int group_size = 64;

  friend bool operator==(const MlxQuantization&, const MlxQuantization&) = default;

  [[nodiscard]] bool has_biases() const { return mode == MlxMode::kAffine; }
  // Whether a row of `cols` is whole groups and its codes whole 32-bit words.
  [[nodiscard]] bool fits(std::int64_t cols) const {
    return cols > 0 && cols % group_size == 0 && cols * bits % 32 == 0;
  }
  // For rows that fit.
  [[nodiscard]] std::int64_t groups(std::int64_t cols) const { return cols / group_size; }
  [[nodiscard]] std::uint64_t code_bytes(std::int64_t cols) const {
    return static_cast<std::uint64_t>(cols) * static_cast<std::uint64_t>(bits) / 8;
  }
  // Of a row's scales, and of its biases where it has some. scale_dtype: see MlxEncoding.
  [[nodiscard]] std::uint64_t scale_bytes(std::int64_t cols, DType scale_dtype) const {
    const auto count = static_cast<std::uint64_t>(groups(cols));
    return has_biases() ? count * dtype_info(scale_dtype).block_bytes : count;
  }
  [[nodiscard]] std::string name() const;  // "affine4_g64", "mxfp4"
};

inline constexpr std::array kMlxBits = {2, 3, 4, 5, 6, 8};
inline constexpr std::array kMlxGroupSizes = {32, 64, 128};

// "affine", "mxfp4", "mxfp8", "nvfp4", as config.json spells them.
std::string_view mlx_mode_name(MlxMode mode);
std::optional<MlxMode> parse_mlx_mode(std::string_view name);

// What MLX takes when bits or group size (zero here) are left out.
MlxQuantization with_mlx_defaults(MlxMode mode, int bits, int group_size);

// An error that lists what MLX accepts, for any other combination.
Status check_mlx_quantization(const MlxQuantization& quantization);

}  // namespace pajamas
