// SPDX-License-Identifier: Apache-2.0
#include "codecs/iq4/iq4_nl.h"

#include <array>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/error_weights.h"
#include "codecs/iq4/nonlinear_fit.h"
#include "codecs/nibbles.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 32;

IQ4_NLBlock encode_block(Elems<kElems> x, std::span<const float> importance) {
  std::array<float, kElems> weights{};
  if (importance.empty()) {
    weigh_by_square(x, weights);
  } else {
    const float variance = sum_of_squares(x) * (2.0F / static_cast<float>(kElems));
    weigh_by_importance(x, importance, variance, weights);
  }
  const float scale = fit_iq4_scale(x, weights);
  std::array<std::uint8_t, kElems> codes{};
  round_to_iq4_levels(x, inverse_or_zero(scale), codes);
  IQ4_NLBlock block{};
  block.scale_f16 = f32_to_f16(scale);
  pack_nibbles(codes, block.nibbles);
  return block;
}

void decode_block(const IQ4_NLBlock& block, std::span<float, kElems> x) {
  const float scale = f16_to_f32(block.scale_f16);
  std::array<std::uint8_t, kElems> codes{};
  unpack_nibbles(block.nibbles, codes);
  for (std::size_t i = 0; i < kElems; ++i) {
    x[i] = scale * static_cast<float>(kIQ4Levels[codes[i]]);
  }
}

void encode_iq4_nl(std::span<const float> row, std::span<const float> importance,
                   std::span<std::byte> out) {
  encode_blocks<IQ4_NLBlock, kElems>(row, importance, out, encode_block);
}

void decode_iq4_nl(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<IQ4_NLBlock, kElems>(in, row, decode_block);
}

}  // namespace

constexpr Codec kIQ4_NLCodec{.dtype = DType::kIQ4_NL,
                             .encode_row = encode_iq4_nl,
                             .decode_row = decode_iq4_nl,
                             .uses_importance = true,
                             .max_rmse_on_unit_normal = 0.08F};

}  // namespace pajamas
