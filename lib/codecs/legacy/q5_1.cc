// SPDX-License-Identifier: Apache-2.0
#include "codecs/legacy/q5_1.h"

#include <algorithm>
#include <array>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/error_weights.h"
#include "codecs/nibbles.h"
#include "codecs/rounding.h"
#include "codecs/scale_search.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 32;
constexpr int kMax = 31;
constexpr AffineTrials kTrials{
    .first = -0.9F, .step = 0.05F, .steps = 36, .norm = ErrorNorm::kSquared};

Q5_1Block pack(float scale, float min, std::span<const std::uint8_t, kElems> codes) {
  Q5_1Block block{};
  block.scale_f16 = f32_to_f16(scale);
  block.min_f16 = f32_to_f16(min);
  pack_fifth_bits(codes, block.fifth_bits);
  pack_nibbles(codes, block.nibbles);
  return block;
}

Q5_1Block encode_plain(Elems<kElems> x) {
  // The first of equals for both: 0 and -0 must not make a scale of -0.
  const float min = *std::ranges::min_element(x);
  const float scale = (*std::ranges::max_element(x) - min) / static_cast<float>(kMax);
  const float inverse = inverse_or_zero(scale);
  std::array<std::uint8_t, kElems> codes{};
  for (std::size_t i = 0; i < kElems; ++i) {
    codes[i] = truncate_to_u8((x[i] - min) * inverse + 0.5F);
  }
  return pack(scale, min, codes);
}

Q5_1Block encode_weighted(Elems<kElems> x, std::span<const float> importance, float variance) {
  std::array<float, kElems> weights{};
  weigh_by_importance(x, importance, variance, weights);
  std::array<std::uint8_t, kElems> codes{};
  const ScaleAndOffset fit = fit_affine(x, weights, kMax, kTrials, codes);
  return pack(fit.scale, -fit.minus_min, codes);
}

void encode_q5_1(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  const float variance = importance.empty() ? 0.0F : row_variance(row);
  encode_blocks<Q5_1Block, kElems>(
      row, importance, out, [variance](Elems<kElems> x, std::span<const float> weights) {
        return weights.empty() ? encode_plain(x) : encode_weighted(x, weights, variance);
      });
}

void decode_q5_1(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q5_1Block, kElems>(in, row, [](const Q5_1Block& block, std::span<float, kElems> x) {
    const float scale = f16_to_f32(block.scale_f16);
    const float min = f16_to_f32(block.min_f16);
    std::array<std::uint8_t, kElems> codes{};
    unpack_nibbles(block.nibbles, codes);
    unpack_fifth_bits(block.fifth_bits, codes);
    for (std::size_t i = 0; i < kElems; ++i) {
      x[i] = static_cast<float>(codes[i]) * scale + min;
    }
  });
}

}  // namespace

constexpr Codec kQ5_1Codec{.dtype = DType::kQ5_1,
                           .encode_row = encode_q5_1,
                           .decode_row = decode_q5_1,
                           .uses_importance = true,
                           .max_rmse_on_unit_normal = 0.04F};

}  // namespace pajamas
