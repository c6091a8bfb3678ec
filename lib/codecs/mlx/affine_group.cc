// SPDX-License-Identifier: Apache-2.0
#include "codecs/mlx/affine_group.h"

#include <array>
#include <cmath>
#include <limits>

namespace pajamas {
namespace {

constexpr float kSmallestScale = 1e-7F;  // MLX's; keeps a group of equal weights divisible
// Partial results side by side; the group's length is a multiple of it.
constexpr std::size_t kLanes = 16;

struct Range {
  float low;
  float high;
};

Range range_of(std::span<const float> group, float first_high) {
  std::array<float, kLanes> low{};
  std::array<float, kLanes> high{};
  low.fill(std::numeric_limits<float>::infinity());
  high.fill(first_high);
  for (std::size_t i = 0; i < group.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float x = group[i + lane];
      low[lane] = x < low[lane] ? x : low[lane];
      high[lane] = high[lane] < x ? x : high[lane];
    }
  }
  Range range{low[0], high[0]};
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    range.low = low[lane] < range.low ? low[lane] : range.low;
    range.high = range.high < high[lane] ? high[lane] : range.high;
  }
  return range;
}

// Nearest whole number, ties to even: the sum with 1.5 * 2^23 has no bits for the rest. Values
// beyond 2^22 come out inexact but as large, which clamping takes care of.
inline float nearest_even(float value) { return (value + 12582912.0F) - 12582912.0F; }

template <MlxRounding kRounding>
inline std::uint8_t code_of(float x, const AffineParams& params, float largest) {
  const float value = (x - params.bias) / params.scale;
  float code = nearest_even(value);
  // Away from zero; below zero all codes are 0 anyway.
  if constexpr (kRounding == MlxRounding::kMetal) code += value - code == 0.5F ? 1.0F : 0.0F;
  code = code > 0.0F ? code : 0.0F;  // NaN too
  code = code < largest ? code : largest;
  return static_cast<std::uint8_t>(static_cast<int>(code));
}

template <MlxRounding kRounding>
void code_all(std::span<const float> group, const AffineParams& params, float largest,
              std::uint8_t* codes) {
  for (std::size_t i = 0; i < group.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      codes[i + lane] = code_of<kRounding>(group[i + lane], params, largest);
    }
  }
}

float largest_code(int bits) { return static_cast<float>((1 << bits) - 1); }

}  // namespace

AffineParams choose_affine(std::span<const float> group, int bits, MlxRounding rounding) {
  const bool is_metal = rounding == MlxRounding::kMetal;
  // The GPU's search for the largest starts at zero, so a group of negative weights reaches up to
  // zero there.
  const Range range = range_of(group, is_metal ? 0.0F : -std::numeric_limits<float>::infinity());
  const float step = (range.high - range.low) / largest_code(bits);
  float scale = kSmallestScale < step ? step : kSmallestScale;
  const bool is_low_larger = std::fabs(range.low) > std::fabs(range.high);
  if (!is_low_larger) scale = -scale;
  const float edge = is_low_larger ? range.low : range.high;
  const float steps = is_metal ? std::round(edge / scale) : std::nearbyint(edge / scale);
  if (steps == 0.0F) return {scale, 0.0F};
  return {edge / steps, edge};
}

void code_affine(std::span<const float> group, const AffineParams& params, int bits,
                 MlxRounding rounding, std::span<std::uint8_t> codes) {
  if (rounding == MlxRounding::kMetal) {
    code_all<MlxRounding::kMetal>(group, params, largest_code(bits), codes.data());
  } else {
    code_all<MlxRounding::kCpu>(group, params, largest_code(bits), codes.data());
  }
}

}  // namespace pajamas
