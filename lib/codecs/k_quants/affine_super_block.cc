// SPDX-License-Identifier: Apache-2.0
#include "codecs/k_quants/affine_super_block.h"

#include <algorithm>

#include "codecs/rounding.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kGroups = 8;
constexpr std::size_t kGroupElems = 32;
constexpr int kMaxField = 63;
constexpr AffineTrials kWeightedTrials{
    .first = -0.9F, .step = 0.05F, .steps = 36, .norm = ErrorNorm::kSquared};

// Scale and offset of each group before they become 6-bit fields.
struct GroupFits {
  std::array<float, kGroups> scales{};
  std::array<float, kGroups> offsets{};
  std::array<float, kGroups> weight_sums{};
};

GroupFits fit_groups(Elems<kSuperElems> x, std::span<const float> importance, int nmax,
                     const AffineTrials& plain_trials, SuperCodes& codes) {
  GroupFits fits;
  const float variance = importance.empty() ? 0.0F : super_variance(x, 2.0F);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    const auto elems = x.subspan(first, kGroupElems);
    std::array<float, kGroupElems> weights{};
    if (importance.empty()) {
      weigh_by_magnitude(elems, weights);
    } else {
      weigh_by_importance(elems, importance.subspan(first, kGroupElems), variance, weights);
    }
    const AffineTrials& trials = importance.empty() ? plain_trials : kWeightedTrials;
    const ScaleAndOffset fit =
        fit_affine(elems, weights, nmax, trials, std::span(codes).subspan(first, kGroupElems));
    fits.scales[group] = fit.scale;
    fits.offsets[group] = fit.minus_min;
    fits.weight_sums[group] = sum_of(weights);
  }
  return fits;
}

// Divides [0, largest value] evenly into fields; returns the unit.
float quantize_evenly(std::span<const float, kGroups> values,
                      std::span<std::uint8_t, kGroups> fields) {
  float max = 0.0F;
  for (const float value : values) {
    if (value > max) max = value;
  }
  const float inverse = max > 0.0F ? static_cast<float>(kMaxField) / max : 0.0F;
  for (std::size_t group = 0; group < kGroups; ++group) {
    const auto field = static_cast<std::uint8_t>(nearest_int(inverse * values[group]));
    fields[group] = std::min<std::uint8_t>(kMaxField, field);
  }
  return max / static_cast<float>(kMaxField);
}

// Searches the unit that costs least, groups weighing what their elements weigh.
float quantize_weighted(std::span<const float, kGroups> values,
                        std::span<const float, kGroups> weight_sums,
                        std::span<std::uint8_t, kGroups> fields) {
  const float unit = fit_positive(values, weight_sums, kMaxField, fields);
  for (std::uint8_t& field : fields) field = std::min<std::uint8_t>(kMaxField, field);
  return unit;
}

}  // namespace

AffineSuperBlock encode_affine_super_block(Elems<kSuperElems> x, std::span<const float> importance,
                                           int nmax, const AffineTrials& plain_trials) {
  AffineSuperBlock block{};
  const GroupFits fits = fit_groups(x, importance, nmax, plain_trials, block.codes);
  ScalesAndOffsets& fields = block.fields;
  if (importance.empty()) {
    block.scale_f16 = f32_to_f16(quantize_evenly(fits.scales, fields.scales));
    block.offset_f16 = f32_to_f16(quantize_evenly(fits.offsets, fields.offsets));
  } else {
    block.scale_f16 = f32_to_f16(quantize_weighted(fits.scales, fits.weight_sums, fields.scales));
    block.offset_f16 =
        f32_to_f16(quantize_weighted(fits.offsets, fits.weight_sums, fields.offsets));
  }
  const float scale = f16_to_f32(block.scale_f16);
  const float offset = f16_to_f32(block.offset_f16);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    round_group(x.subspan(first, kGroupElems), scale * static_cast<float>(fields.scales[group]),
                offset * static_cast<float>(fields.offsets[group]), 0, nmax,
                std::span(block.codes).subspan(first, kGroupElems));
  }
  return block;
}

void pack_scales_and_offsets(const ScalesAndOffsets& fields, std::span<std::uint8_t, 12> packed) {
  for (std::size_t group = 0; group < 4; ++group) {
    const unsigned scale = fields.scales[group + 4];
    const unsigned offset = fields.offsets[group + 4];
    packed[group] = static_cast<std::uint8_t>(fields.scales[group] | ((scale >> 4) << 6));
    packed[group + 4] = static_cast<std::uint8_t>(fields.offsets[group] | ((offset >> 4) << 6));
    packed[group + 8] = static_cast<std::uint8_t>((scale & 0xfU) | ((offset & 0xfU) << 4));
  }
}

ScalesAndOffsets unpack_scales_and_offsets(std::span<const std::uint8_t, 12> packed) {
  ScalesAndOffsets fields{};
  for (std::size_t group = 0; group < 4; ++group) {
    const unsigned scale = packed[group];
    const unsigned offset = packed[group + 4];
    const unsigned low = packed[group + 8];
    fields.scales[group] = scale & 63U;
    fields.offsets[group] = offset & 63U;
    fields.scales[group + 4] = static_cast<std::uint8_t>((low & 0xfU) | ((scale >> 6) << 4));
    fields.offsets[group + 4] = static_cast<std::uint8_t>((low >> 4) | ((offset >> 6) << 4));
  }
  return fields;
}

}  // namespace pajamas
