// SPDX-License-Identifier: Apache-2.0
#include "codecs/legacy/q8_0.h"

#include <cmath>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/rounding.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 32;

void encode_q8_0(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  encode_blocks<Q8_0Block, kElems>(
      row, importance, out, [](Elems<kElems> x, std::span<const float>) {
        const float scale = find_block_peak(x).magnitude / 127.0F;
        const float inverse = inverse_or_zero(scale);
        Q8_0Block block{};
        block.scale_f16 = f32_to_f16(scale);
        for (std::size_t i = 0; i < kElems; ++i) {
          block.codes[i] = truncate_to_i8(std::round(x[i] * inverse));  // ties away from zero
        }
        return block;
      });
}

void decode_q8_0(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q8_0Block, kElems>(in, row, [](const Q8_0Block& block, std::span<float, kElems> x) {
    const float scale = f16_to_f32(block.scale_f16);
    for (std::size_t i = 0; i < kElems; ++i) {
      x[i] = static_cast<float>(block.codes[i]) * scale;
    }
  });
}

}  // namespace

constexpr Codec kQ8_0Codec{.dtype = DType::kQ8_0,
                           .encode_row = encode_q8_0,
                           .decode_row = decode_q8_0,
                           .uses_importance = false,
                           .max_rmse_on_unit_normal = 0.0055F};

}  // namespace pajamas
