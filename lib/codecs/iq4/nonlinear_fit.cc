// SPDX-License-Identifier: Apache-2.0
#include "codecs/iq4/nonlinear_fit.h"

#include <cmath>
#include <cstddef>

#include "codecs/block_peak.h"
#include "codecs/scale_search.h"

namespace pajamas {
namespace {

constexpr int kTrials = 7;  // on each side

float level_of(std::size_t code) { return static_cast<float>(kIQ4Levels[code]); }

// Sums of the least-squares scale qx / q2.
struct LevelSums {
  float qx = 0.0F;
  float q2 = 0.0F;
};

LevelSums sums_of(std::span<const float> x, std::span<const float> weights, float inverse_scale) {
  LevelSums sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float level = level_of(nearest_iq4_level(inverse_scale * x[i]));
    sums.qx += weights[i] * level * x[i];
    sums.q2 += weights[i] * level * level;
  }
  return sums;
}

}  // namespace

std::uint8_t nearest_iq4_level(float value) {
  constexpr std::size_t kLast = kIQ4Levels.size() - 1;
  if (value <= level_of(0)) return 0;
  if (value >= level_of(kLast)) return kLast;
  // NaN compares false everywhere and so ends at the last level, as in the reference.
  std::size_t upper = kLast;
  for (std::size_t code = 1; code < kLast; ++code) {
    if (value < level_of(code)) {
      upper = code;
      break;
    }
  }
  const bool lower_is_nearer = value - level_of(upper - 1) < level_of(upper) - value;
  return static_cast<std::uint8_t>(lower_is_nearer ? upper - 1 : upper);
}

void round_to_iq4_levels(std::span<const float> x, float inverse_scale,
                         std::span<std::uint8_t> codes) {
  for (std::size_t i = 0; i < x.size(); ++i) codes[i] = nearest_iq4_level(inverse_scale * x[i]);
}

float fit_iq4_scale(std::span<const float> x, std::span<const float> weights) {
  const BlockPeak peak = find_block_peak(x);
  if (peak.magnitude < kGroupMaxEps) return 0.0F;
  const float first = -peak.value / level_of(0);
  const LevelSums start = sums_of(x, weights, 1.0F / first);
  float scale = start.q2 > 0.0F ? start.qx / start.q2 : 0.0F;
  float best = scale * start.qx;
  for (int trial = -kTrials; trial <= kTrials; ++trial) {
    const float inverse_scale = (static_cast<float>(trial) + level_of(0)) / peak.value;
    const LevelSums sums = sums_of(x, weights, inverse_scale);
    if (sums.q2 > 0.0F && sums.qx * sums.qx > best * sums.q2) {
      scale = sums.qx / sums.q2;
      best = scale * sums.qx;
    }
  }
  return scale;
}

}  // namespace pajamas
