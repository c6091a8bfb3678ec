// SPDX-License-Identifier: Apache-2.0
#include "codecs/k_quants/q2_k.h"

#include <array>
#include <cmath>

#include "codecs/block_rows.h"
#include "codecs/k_quants/super_block.h"
#include "codecs/scale_search.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kGroups = 16;
constexpr std::size_t kGroupElems = 16;
constexpr int kMaxCode = 3;
constexpr int kMaxField = 15;
constexpr AffineTrials kPlainTrials{
    .first = -0.5F, .step = 0.1F, .steps = 15, .norm = ErrorNorm::kAbsolute};
constexpr AffineTrials kWeightedTrials{
    .first = -0.9F, .step = 0.05F, .steps = 36, .norm = ErrorNorm::kSquared};

using GroupFloats = std::array<float, kGroups>;
using GroupFields = std::array<std::uint8_t, kGroups>;

struct GroupFits {
  GroupFloats scales{};
  GroupFloats offsets{};
  GroupFloats weight_sums{};
};

GroupFits fit_groups(Elems<kSuperElems> x, std::span<const float> importance, SuperCodes& codes) {
  GroupFits fits;
  const float variance = importance.empty() ? 0.0F : super_variance(x, 1.0F);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    const auto elems = x.subspan(first, kGroupElems);
    std::array<float, kGroupElems> weights{};
    if (importance.empty()) {
      for (std::size_t i = 0; i < kGroupElems; ++i) weights[i] = std::fabs(elems[i]);
    } else {
      weigh_by_importance(elems, importance.subspan(first, kGroupElems), variance, weights);
    }
    const ScaleAndOffset fit =
        fit_affine(elems, weights, kMaxCode, importance.empty() ? kPlainTrials : kWeightedTrials,
                   std::span(codes).subspan(first, kGroupElems));
    fits.scales[group] = fit.scale;
    fits.offsets[group] = fit.minus_min;
    fits.weight_sums[group] = sum_of(weights);
  }
  return fits;
}

// Divides [0, largest value] evenly into fields; returns the unit.
float quantize_evenly(const GroupFloats& values, GroupFields& fields) {
  float max = 0.0F;
  for (const float value : values) {
    if (value > max) max = value;
  }
  if (!(max > 0.0F)) {
    fields.fill(0);
    return 0.0F;
  }
  const float inverse = static_cast<float>(kMaxField) / max;
  for (std::size_t group = 0; group < kGroups; ++group) {
    fields[group] = static_cast<std::uint8_t>(nearest_int(inverse * values[group]));
  }
  return max / static_cast<float>(kMaxField);
}

Q2_KBlock encode_block(Elems<kSuperElems> x, std::span<const float> importance) {
  Q2_KBlock block{};
  SuperCodes codes{};
  const GroupFits fits = fit_groups(x, importance, codes);
  GroupFields scales{};
  GroupFields offsets{};
  if (importance.empty()) {
    block.scale_f16 = f32_to_f16(quantize_evenly(fits.scales, scales));
    block.offset_f16 = f32_to_f16(quantize_evenly(fits.offsets, offsets));
  } else {
    block.scale_f16 = f32_to_f16(fit_positive(fits.scales, fits.weight_sums, kMaxField, scales));
    block.offset_f16 = f32_to_f16(fit_positive(fits.offsets, fits.weight_sums, kMaxField, offsets));
  }
  const float scale = f16_to_f32(block.scale_f16);
  const float offset = f16_to_f32(block.offset_f16);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const auto packed = static_cast<std::uint8_t>(scales[group] | (offsets[group] << 4));
    block.scales_and_offsets[group] = packed;
    const std::size_t first = group * kGroupElems;
    round_group(x.subspan(first, kGroupElems), scale * static_cast<float>(packed & 0xf),
                offset * static_cast<float>(packed >> 4), 0, kMaxCode,
                std::span(codes).subspan(first, kGroupElems));
  }
  pack_two_bits(codes, block.codes);
  return block;
}

void decode_block(const Q2_KBlock& block, std::span<float, kSuperElems> x) {
  const float scale = f16_to_f32(block.scale_f16);
  const float offset = f16_to_f32(block.offset_f16);
  for (std::size_t elem = 0; elem < kSuperElems; ++elem) {
    const unsigned fields = block.scales_and_offsets[elem / kGroupElems];
    const float group_scale = scale * static_cast<float>(fields & 0xfU);
    const float group_offset = offset * static_cast<float>(fields >> 4);
    x[elem] = group_scale * static_cast<float>(two_bits_of(block.codes, elem)) - group_offset;
  }
}

void encode_q2_k(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  encode_blocks<Q2_KBlock, kSuperElems>(row, importance, out, encode_block);
}

void decode_q2_k(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q2_KBlock, kSuperElems>(in, row, decode_block);
}

}  // namespace

constexpr Codec kQ2_KCodec{.dtype = DType::kQ2_K,
                           .encode_row = encode_q2_k,
                           .decode_row = decode_q2_k,
                           .uses_importance = true,
                           .max_rmse_on_unit_normal = 0.31F};

}  // namespace pajamas
