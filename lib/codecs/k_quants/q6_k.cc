// SPDX-License-Identifier: Apache-2.0
#include "codecs/k_quants/q6_k.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/k_quants/super_block.h"
#include "codecs/scale_search.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kGroups = 16;
constexpr std::size_t kGroupElems = 16;
constexpr int kMax = 32;  // codes -32 .. 31

void pack_codes(const SuperCodes& codes, Q6_KBlock& block) {
  SuperCodes high{};
  for (std::size_t elem = 0; elem < kSuperElems; ++elem) high[elem] = codes[elem] >> 4;
  pack_two_bits(high, block.high_bits);
  for (std::size_t byte = 0; byte < 128; ++byte) {
    const std::size_t first = byte / 64 * 128 + byte % 64;
    block.low_bits[byte] =
        static_cast<std::uint8_t>((codes[first] & 0xfU) | ((codes[first + 64] & 0xfU) << 4));
  }
}

int code_of(const Q6_KBlock& block, std::size_t elem) {
  const int low = (block.low_bits[elem / 128 * 64 + elem % 64] >> (elem % 128 / 64 * 4)) & 0xf;
  return low | (two_bits_of(block.high_bits, elem) << 4);
}

// The importance alone weighs here, without the variance of the other types.
Q6_KBlock encode_block(Elems<kSuperElems> x, std::span<const float> importance) {
  SuperCodes codes{};
  std::array<float, kGroups> scales{};
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    const auto elems = x.subspan(first, kGroupElems);
    std::array<float, kGroupElems> weights{};
    if (importance.empty()) {
      weigh_by_square(elems, weights);
    } else {
      std::ranges::copy(importance.subspan(first, kGroupElems), weights.begin());
    }
    scales[group] =
        fit_symmetric(elems, weights, kMax, std::span(codes).subspan(first, kGroupElems));
  }
  Q6_KBlock block{};
  const float peak = find_block_peak(scales).value;
  if (std::fabs(peak) < kGroupMaxEps) return block;
  const float inverse = -128.0F / peak;
  block.scale_f16 = f32_to_f16(1.0F / inverse);
  const float scale = f16_to_f32(block.scale_f16);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const int field = std::min(127, nearest_int(inverse * scales[group]));
    block.scales[group] = static_cast<std::int8_t>(field);
    const std::size_t first = group * kGroupElems;
    round_group(x.subspan(first, kGroupElems), scale * static_cast<float>(block.scales[group]),
                0.0F, -kMax, kMax - 1, std::span(codes).subspan(first, kGroupElems));
  }
  pack_codes(codes, block);
  return block;
}

void decode_block(const Q6_KBlock& block, std::span<float, kSuperElems> x) {
  const float scale = f16_to_f32(block.scale_f16);
  for (std::size_t elem = 0; elem < kSuperElems; ++elem) {
    const float group_scale = scale * static_cast<float>(block.scales[elem / kGroupElems]);
    x[elem] = group_scale * static_cast<float>(code_of(block, elem) - kMax);
  }
}

void encode_q6_k(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  encode_blocks<Q6_KBlock, kSuperElems>(row, importance, out, encode_block);
}

void decode_q6_k(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q6_KBlock, kSuperElems>(in, row, decode_block);
}

}  // namespace

constexpr Codec kQ6_KCodec{.dtype = DType::kQ6_K,
                           .encode_row = encode_q6_k,
                           .decode_row = decode_q6_k,
                           .uses_importance = true,
                           .max_rmse_on_unit_normal = 0.018F};

}  // namespace pajamas
