// SPDX-License-Identifier: Apache-2.0
#include "codecs/plain/plain_floats.h"

#include <cstdint>

#include "codecs/block_rows.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

void encode_f32(std::span<const float> row, std::span<const float> importance,
                std::span<std::byte> out) {
  encode_blocks<std::uint32_t, 1>(row, importance, out, [](Elems<1> x, std::span<const float>) {
    return std::bit_cast<std::uint32_t>(x[0]);
  });
}

void decode_f32(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<float, 1>(in, row,
                          [](const float& stored, std::span<float, 1> x) { x[0] = stored; });
}

template <std::uint16_t (*kFromF32)(float)>
void encode_half(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  encode_blocks<std::uint16_t, 1>(
      row, importance, out, [](Elems<1> x, std::span<const float>) { return kFromF32(x[0]); });
}

template <float (*kToF32)(std::uint16_t)>
void decode_half(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<std::uint16_t, 1>(
      in, row, [](const std::uint16_t& stored, std::span<float, 1> x) { x[0] = kToF32(stored); });
}

}  // namespace

constexpr Codec kF32Codec{.dtype = DType::kF32,
                          .encode_row = encode_f32,
                          .decode_row = decode_f32,
                          .uses_importance = false,
                          .max_rmse_on_unit_normal = 0.0F};
constexpr Codec kF16Codec{.dtype = DType::kF16,
                          .encode_row = encode_half<f32_to_f16>,
                          .decode_row = decode_half<f16_to_f32>,
                          .uses_importance = false,
                          .max_rmse_on_unit_normal = 0.00022F};
constexpr Codec kBF16Codec{.dtype = DType::kBF16,
                           .encode_row = encode_half<f32_to_bf16>,
                           .decode_row = decode_half<bf16_to_f32>,
                           .uses_importance = false,
                           .max_rmse_on_unit_normal = 0.0018F};

}  // namespace pajamas
