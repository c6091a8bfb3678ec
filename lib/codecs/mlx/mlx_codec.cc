// SPDX-License-Identifier: Apache-2.0
#include "codecs/mlx/mlx_codec.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "codecs/mlx/affine_group.h"
#include "codecs/mlx/code_packing.h"
#include "codecs/mlx/float_group.h"

namespace pajamas {
namespace {

void store_param(float value, DType dtype, std::byte* out) {
  if (dtype == DType::kF32) {
    std::memcpy(out, &value, sizeof(value));
    return;
  }
  const std::uint16_t bits = dtype == DType::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
  std::memcpy(out, &bits, sizeof(bits));
}

float load_param(const std::byte* in, DType dtype) {
  if (dtype == DType::kF32) {
    float value = 0;
    std::memcpy(&value, in, sizeof(value));
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, in, sizeof(bits));
  return dtype == DType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

void check_row(const MlxQuantization& quantization, DType scale_dtype, std::size_t cols,
               const MlxRowView& bytes) {
  const auto count = static_cast<std::int64_t>(cols);
  PJ_CHECK(check_mlx_quantization(quantization).has_value() && quantization.fits(count));
  PJ_CHECK(scale_dtype == DType::kF32 || scale_dtype == DType::kF16 || scale_dtype == DType::kBF16);
  PJ_CHECK(bytes.codes.size() == quantization.code_bytes(count));
  PJ_CHECK(bytes.scales.size() == quantization.scale_bytes(count, scale_dtype));
  PJ_CHECK(bytes.biases.size() == (quantization.has_biases() ? bytes.scales.size() : 0));
}

}  // namespace

void encode_mlx_row(const MlxEncoding& encoding, std::span<const float> row,
                    const MlxRowBytes& out) {
  const MlxQuantization& quantization = encoding.quantization;
  check_row(quantization, encoding.scale_dtype, row.size(), {out.codes, out.scales, out.biases});
  const auto group_size = static_cast<std::size_t>(quantization.group_size);
  const std::size_t param_bytes = dtype_info(encoding.scale_dtype).block_bytes;
  std::array<std::uint8_t, kMaxMlxGroup> buffer{};
  const std::span codes = std::span(buffer).first(group_size);
  with_bits(quantization.bits, [&]<int kBits>() {
    for (std::size_t group = 0; group * group_size < row.size(); ++group) {
      const std::span<const float> x = row.subspan(group * group_size, group_size);
      if (quantization.mode == MlxMode::kAffine) {
        AffineParams params;
        if (encoding.quality == MlxQuality::kBest) {
          params = search_affine(x, kBits, encoding.scale_dtype, encoding.rounding, codes);
        } else {
          params = choose_affine(x, kBits, encoding.rounding);
          code_affine(x, params, kBits, encoding.rounding, codes);
        }
        store_param(params.scale, encoding.scale_dtype, &out.scales[group * param_bytes]);
        store_param(params.bias, encoding.scale_dtype, &out.biases[group * param_bytes]);
      } else {
        out.scales[group] = std::byte{code_float_group(encoding, x, codes)};
      }
      pack_codes<kBits>(codes, &out.codes[group * group_size * kBits / 8]);
    }
  });
}

void decode_mlx_row(const MlxQuantization& quantization, DType scale_dtype, const MlxRowView& in,
                    std::span<float> row) {
  check_row(quantization, scale_dtype, row.size(), in);
  const auto group_size = static_cast<std::size_t>(quantization.group_size);
  const std::size_t param_bytes = dtype_info(scale_dtype).block_bytes;
  std::array<std::uint8_t, kMaxMlxGroup> buffer{};
  const std::span codes = std::span(buffer).first(group_size);
  with_bits(quantization.bits, [&]<int kBits>() {
    for (std::size_t group = 0; group * group_size < row.size(); ++group) {
      unpack_codes<kBits>(&in.codes[group * group_size * kBits / 8], codes);
      const std::span<float> x = row.subspan(group * group_size, group_size);
      if (quantization.mode != MlxMode::kAffine) {
        decode_float_group(quantization.mode, std::to_integer<std::uint8_t>(in.scales[group]),
                           codes, x);
        continue;
      }
      const float scale = load_param(&in.scales[group * param_bytes], scale_dtype);
      const float bias = load_param(&in.biases[group * param_bytes], scale_dtype);
      for (std::size_t i = 0; i < group_size; ++i) {
        x[i] = scale * static_cast<float>(codes[i]) + bias;
      }
    }
  });
}

}  // namespace pajamas
