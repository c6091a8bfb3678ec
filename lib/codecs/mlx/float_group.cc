// SPDX-License-Identifier: Apache-2.0
#include "codecs/mlx/float_group.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "codecs/mlx/affine_group.h"
#include "codecs/mlx/small_floats.h"

namespace pajamas {
namespace {

constexpr std::size_t kMaxGroup = 32;
// Groups are a multiple of this long; loops of a constant length become vector code.
constexpr std::size_t kLanes = 16;
constexpr std::uint8_t kUnitScale = 127;     // E8M0 of 1
constexpr std::uint8_t kLargestE4M3 = 0x7e;  // 448
constexpr std::uint8_t kLargestE8M0 = 254;   // 2^127, whose reciprocal is subnormal

bool has_power_scale(MlxMode mode) { return mode != MlxMode::kNvfp4; }
bool has_fp4_codes(MlxMode mode) { return mode != MlxMode::kMxfp8; }

float scale_value(MlxMode mode, std::uint8_t scale) {
  return has_power_scale(mode) ? e8m0_to_f32(scale) : e4m3_to_f32(scale);
}

float largest_magnitude(std::span<const float> group) {
  std::array<float, kLanes> largest{};
  for (std::size_t i = 0; i < group.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float a = std::fabs(group[i + lane]);
      largest[lane] = largest[lane] < a ? a : largest[lane];
    }
  }
  return *std::ranges::max_element(largest);
}

// MLX's scale: the smallest that clips nothing (a power of two), or the nearest (E4M3).
std::uint8_t choose_scale(const MlxEncoding& encoding, float magnitude) {
  const MlxMode mode = encoding.quantization.mode;
  const bool is_metal = encoding.rounding == MlxRounding::kMetal;
  float ratio = magnitude / (has_fp4_codes(mode) ? kE2M1Max : kE4M3Max);
  if (!is_metal) ratio = round_to_dtype(ratio, encoding.scale_dtype);
  if (!has_power_scale(mode)) return f32_to_e4m3(ratio);
  if (!(ratio > 0.0F)) return is_metal ? 0 : kUnitScale;
  return e8m0_not_below(ratio);
}

// Calls work(i) for every index below the group's length.
template <typename Work>
void for_each_weight(std::size_t count, const Work& work) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) work(i + lane);
  }
}

void code_group(MlxMode mode, MlxRounding rounding, std::uint8_t scale,
                std::span<const float> group, std::span<std::uint8_t> codes) {
  const bool is_metal = rounding == MlxRounding::kMetal;
  const float value = scale_value(mode, scale);
  const float* in = group.data();
  std::uint8_t* out = codes.data();
  std::array<float, kMaxGroup> scaled{};
  if (has_power_scale(mode) && scale > 0 && scale < kLargestE8M0) {
    // The reciprocal of a power of two is exact.
    const float reciprocal = 1.0F / value;
    for_each_weight(group.size(), [&](std::size_t i) { scaled[i] = in[i] * reciprocal; });
  } else if (value == 0.0F || (is_metal && !has_power_scale(mode))) {
    // Under a scale of zero nothing can be told apart. The GPU multiplies by a rounded reciprocal.
    const float reciprocal = value == 0.0F ? 0.0F : 1.0F / value;
    for_each_weight(group.size(), [&](std::size_t i) { scaled[i] = in[i] * reciprocal; });
  } else {
    for_each_weight(group.size(), [&](std::size_t i) { scaled[i] = in[i] / value; });
  }
  if (!has_fp4_codes(mode)) {
    for_each_weight(group.size(), [&](std::size_t i) { out[i] = f32_to_e4m3(scaled[i]); });
  } else if (is_metal) {
    for_each_weight(group.size(), [&](std::size_t i) { out[i] = f32_to_e2m1_even(scaled[i]); });
  } else {
    for_each_weight(group.size(),
                    [&](std::size_t i) { out[i] = f32_to_e2m1_toward_zero(scaled[i]); });
  }
}

float error_of(MlxMode mode, std::uint8_t scale, std::span<const float> group,
               std::span<const std::uint8_t> codes) {
  std::array<float, kMaxGroup> stored{};
  decode_float_group(mode, scale, codes, std::span(stored).first(group.size()));
  float error = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    error += (group[i] - stored[i]) * (group[i] - stored[i]);
  }
  return error;
}

// The scale around MLX's under which the codes lose least: one power of two to either side, three
// E4M3 values.
std::uint8_t search_scale(MlxMode mode, MlxRounding rounding, std::span<const float> group,
                          std::uint8_t first, std::span<std::uint8_t> codes) {
  const int reach = has_power_scale(mode) ? 1 : 3;
  const int lowest = has_power_scale(mode) ? 0 : 1;  // E4M3's zero holds nothing
  const int highest = has_power_scale(mode) ? 254 : kLargestE4M3;
  std::uint8_t best = first;
  float best_error = error_of(mode, first, group, codes);
  std::array<std::uint8_t, kMaxGroup> buffer{};
  const std::span trial = std::span(buffer).first(group.size());
  for (int scale = first - reach; scale <= first + reach; ++scale) {
    if (scale < lowest || scale > highest || scale == first) continue;
    const auto byte = static_cast<std::uint8_t>(scale);
    code_group(mode, rounding, byte, group, trial);
    const float error = error_of(mode, byte, group, trial);
    if (!(error < best_error)) continue;
    best_error = error;
    best = byte;
    std::ranges::copy(trial, codes.begin());
  }
  return best;
}

}  // namespace

std::uint8_t code_float_group(const MlxEncoding& encoding, std::span<const float> group,
                              std::span<std::uint8_t> codes) {
  const MlxMode mode = encoding.quantization.mode;
  const float magnitude = largest_magnitude(group);
  const std::uint8_t scale = choose_scale(encoding, magnitude);
  code_group(mode, encoding.rounding, scale, group, codes);
  if (encoding.quality == MlxQuality::kDefault || magnitude == 0.0F) return scale;
  return search_scale(mode, encoding.rounding, group, scale, codes);
}

void decode_float_group(MlxMode mode, std::uint8_t scale, std::span<const std::uint8_t> codes,
                        std::span<float> group) {
  const float value = scale_value(mode, scale);
  for (std::size_t i = 0; i < group.size(); ++i) {
    group[i] = value * (has_fp4_codes(mode) ? e2m1_to_f32(codes[i]) : e4m3_to_f32(codes[i]));
  }
}

}  // namespace pajamas
