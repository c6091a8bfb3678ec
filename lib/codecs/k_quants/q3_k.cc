// SPDX-License-Identifier: Apache-2.0
#include "codecs/k_quants/q3_k.h"

#include <array>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/k_quants/super_block.h"
#include "codecs/scale_search.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kGroups = 16;
constexpr std::size_t kGroupElems = 16;
constexpr int kMax = 4;        // codes -4 .. 3
constexpr int kMaxScale = 32;  // group scales -32 .. 31

using GroupFloats = std::array<float, kGroups>;
using GroupFields = std::array<std::uint8_t, kGroups>;  // stored plus 32

struct GroupFits {
  GroupFloats scales{};
  GroupFloats weight_sums{};
};

GroupFits fit_groups(Elems<kSuperElems> x, std::span<const float> importance, SuperCodes& codes) {
  GroupFits fits;
  const float variance = importance.empty() ? 0.0F : super_variance(x, 2.0F);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    const auto elems = x.subspan(first, kGroupElems);
    const auto group_codes = std::span(codes).subspan(first, kGroupElems);
    if (importance.empty()) {
      fits.scales[group] = refine_symmetric(elems, kMax, group_codes);
      continue;
    }
    std::array<float, kGroupElems> weights{};
    weigh_by_importance(elems, importance.subspan(first, kGroupElems), variance, weights);
    fits.scales[group] = fit_symmetric(elems, weights, kMax, group_codes);
    fits.weight_sums[group] = sum_of(weights);
  }
  return fits;
}

// The scale of largest magnitude becomes -32. Returns the unit.
float quantize_to_peak(const GroupFloats& scales, GroupFields& fields) {
  const float peak = find_block_peak(scales).value;
  if (peak == 0.0F) return 0.0F;
  const float inverse = static_cast<float>(-kMaxScale) / peak;
  for (std::size_t group = 0; group < kGroups; ++group) {
    const auto field = static_cast<std::int8_t>(nearest_int(inverse * scales[group]));
    fields[group] =
        static_cast<std::uint8_t>(clamp_int(field, -kMaxScale, kMaxScale - 1) + kMaxScale);
  }
  return 1.0F / inverse;
}

void pack_fields(const GroupFields& fields, std::span<std::uint8_t, 12> packed) {
  for (std::size_t group = 0; group < kGroups; ++group) {
    const unsigned low = fields[group] & 0xfU;
    const unsigned high = fields[group] >> 4;
    std::uint8_t& nibbles = packed[group % 8];
    nibbles = static_cast<std::uint8_t>(nibbles | (low << (group / 8 * 4)));
    std::uint8_t& pairs = packed[8 + group % 4];
    pairs = static_cast<std::uint8_t>(pairs | (high << (group / 4 * 2)));
  }
}

int unpack_scale(std::span<const std::uint8_t, 12> packed, std::size_t group) {
  const int low = (packed[group % 8] >> (group / 8 * 4)) & 0xf;
  const int high = (packed[8 + group % 4] >> (group / 4 * 2)) & 3;
  return (low | (high << 4)) - kMaxScale;
}

Q3_KBlock encode_block(Elems<kSuperElems> x, std::span<const float> importance) {
  Q3_KBlock block{};
  SuperCodes codes{};
  const GroupFits fits = fit_groups(x, importance, codes);
  GroupFields fields{};
  const float unit = importance.empty()
                         ? quantize_to_peak(fits.scales, fields)
                         : fit_symmetric(fits.scales, fits.weight_sums, kMaxScale, fields);
  block.scale_f16 = f32_to_f16(unit);
  pack_fields(fields, block.scales);
  const float scale = f16_to_f32(block.scale_f16);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    round_group(x.subspan(first, kGroupElems),
                scale * static_cast<float>(unpack_scale(block.scales, group)), 0.0F, -kMax,
                kMax - 1, std::span(codes).subspan(first, kGroupElems));
  }
  for (std::size_t elem = 0; elem < kSuperElems; ++elem) {
    std::uint8_t& bits = block.high_bits[elem % 32];
    bits = static_cast<std::uint8_t>(bits | ((codes[elem] >> 2) << (elem / 32)));
  }
  pack_two_bits(codes, block.low_bits);
  return block;
}

void decode_block(const Q3_KBlock& block, std::span<float, kSuperElems> x) {
  const float scale = f16_to_f32(block.scale_f16);
  for (std::size_t elem = 0; elem < kSuperElems; ++elem) {
    const float group_scale =
        scale * static_cast<float>(unpack_scale(block.scales, elem / kGroupElems));
    const int high = (block.high_bits[elem % 32] >> (elem / 32)) & 1;
    const int code = two_bits_of(block.low_bits, elem) + 4 * high;
    x[elem] = group_scale * static_cast<float>(code - kMax);
  }
}

void encode_q3_k(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  encode_blocks<Q3_KBlock, kSuperElems>(row, importance, out, encode_block);
}

void decode_q3_k(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q3_KBlock, kSuperElems>(in, row, decode_block);
}

}  // namespace

constexpr Codec kQ3_KCodec{.dtype = DType::kQ3_K,
                           .encode_row = encode_q3_k,
                           .decode_row = decode_q3_k,
                           .uses_importance = true,
                           .max_rmse_on_unit_normal = 0.16F};

}  // namespace pajamas
