// SPDX-License-Identifier: Apache-2.0
#include "codecs/legacy/q5_0.h"

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
constexpr int kMax = 16;

Q5_0Block pack(float scale, std::span<const std::uint8_t, kElems> codes) {
  Q5_0Block block{};
  block.scale_f16 = f32_to_f16(scale);
  pack_fifth_bits(codes, block.fifth_bits);
  pack_nibbles(codes, block.nibbles);
  return block;
}

// The peak gets code 0, so that the side with one more level is its side.
Q5_0Block encode_plain(Elems<kElems> x) {
  const float scale = find_block_peak(x).value / static_cast<float>(-kMax);
  const float inverse = inverse_or_zero(scale);
  std::array<std::uint8_t, kElems> codes{};
  for (std::size_t i = 0; i < kElems; ++i) {
    const int code = truncate_to_i8(x[i] * inverse + (static_cast<float>(kMax) + 0.5F));
    codes[i] = static_cast<std::uint8_t>(std::min(code, 2 * kMax - 1));
  }
  return pack(scale, codes);
}

Q5_0Block encode_weighted(Elems<kElems> x, std::span<const float> importance, float variance) {
  std::array<float, kElems> weights{};
  weigh_by_importance(x, importance, variance, weights);
  std::array<std::uint8_t, kElems> codes{};
  const float scale = fit_symmetric(x, weights, kMax, codes);
  return pack(scale, codes);
}

void encode_q5_0(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  const float variance = importance.empty() ? 0.0F : row_variance(row);
  encode_blocks<Q5_0Block, kElems>(
      row, importance, out, [variance](Elems<kElems> x, std::span<const float> weights) {
        return weights.empty() ? encode_plain(x) : encode_weighted(x, weights, variance);
      });
}

void decode_q5_0(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q5_0Block, kElems>(in, row, [](const Q5_0Block& block, std::span<float, kElems> x) {
    const float scale = f16_to_f32(block.scale_f16);
    std::array<std::uint8_t, kElems> codes{};
    unpack_nibbles(block.nibbles, codes);
    unpack_fifth_bits(block.fifth_bits, codes);
    for (std::size_t i = 0; i < kElems; ++i) {
      x[i] = static_cast<float>(codes[i] - kMax) * scale;
    }
  });
}

}  // namespace

constexpr Codec kQ5_0Codec{.dtype = DType::kQ5_0,
                           .encode_row = encode_q5_0,
                           .decode_row = decode_q5_0,
                           .uses_importance = true,
                           .max_rmse_on_unit_normal = 0.044F};

}  // namespace pajamas
