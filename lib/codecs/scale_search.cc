// SPDX-License-Identifier: Apache-2.0
#include "codecs/scale_search.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "codecs/block_peak.h"
#include "codecs/rounding.h"

namespace pajamas {
namespace {

// Weighted sums of a trial: the least-squares scale is xl / l2, its gain xl^2 / l2.
struct Sums {
  float xl = 0.0F;
  float l2 = 0.0F;

  void add(float weight, float x, int code) {
    const auto l = static_cast<float>(code);
    xl += weight * x * l;
    l2 += weight * l * l;
  }
  [[nodiscard]] Sums without(float weight, float x, int code) const {
    const auto l = static_cast<float>(code);
    return {xl - weight * x * l, l2 - weight * l * l};
  }
  // xl^2 / l2 > other's, without dividing.
  [[nodiscard]] bool gains_over(const Sums& other) const {
    return xl * xl * other.l2 > other.xl * other.xl * l2;
  }
  [[nodiscard]] float scale() const { return l2 > 0.0F ? xl / l2 : 0.0F; }
};

int symmetric_code(float inverse_scale, float x, int nmax) {
  return clamp_int(nearest_int(inverse_scale * x), -nmax, nmax - 1);
}

}  // namespace

float fit_symmetric(std::span<const float> x, std::span<const float> weights, int nmax,
                    std::span<std::uint8_t> codes) {
  const float peak = find_block_peak(x).value;
  if (std::fabs(peak) < kGroupMaxEps) {
    std::ranges::fill(codes, std::uint8_t{0});
    return 0.0F;
  }
  const auto set_codes = [&](float inverse_scale) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      codes[i] = static_cast<std::uint8_t>(symmetric_code(inverse_scale, x[i], nmax) + nmax);
    }
  };
  const auto sums_of = [&](float inverse_scale) {
    Sums sums;
    for (std::size_t i = 0; i < x.size(); ++i) {
      sums.add(weights[i], x[i], symmetric_code(inverse_scale, x[i], nmax));
    }
    return sums;
  };

  const float first = static_cast<float>(-nmax) / peak;
  set_codes(first);
  const Sums start = sums_of(first);
  float scale = start.l2 != 0.0F ? start.xl / start.l2 : 0.0F;
  float best = scale * start.xl;
  for (int trial = -9; trial <= 9; ++trial) {
    if (trial == 0) continue;
    const float inverse_scale =
        -(static_cast<float>(nmax) + 0.1F * static_cast<float>(trial)) / peak;
    const Sums sums = sums_of(inverse_scale);
    if (sums.l2 > 0.0F && sums.xl * sums.xl > best * sums.l2) {
      set_codes(inverse_scale);
      scale = sums.xl / sums.l2;
      best = scale * sums.xl;
    }
  }
  return scale;
}

float refine_symmetric(std::span<const float> x, int nmax, std::span<std::uint8_t> codes) {
  PJ_CHECK(x.size() <= kMaxGroupElems);
  const float peak = find_block_peak(x).value;
  if (std::fabs(peak) < kGroupMaxEps) {
    std::ranges::fill(codes, std::uint8_t{0});
    return 0.0F;
  }
  std::array<int, kMaxGroupElems> levels{};
  const float inverse_scale = static_cast<float>(-nmax) / peak;
  Sums sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    levels[i] = symmetric_code(inverse_scale, x[i], nmax);
    sums.add(x[i] * x[i], x[i], levels[i]);
  }
  for (int pass = 0; pass < 5; ++pass) {
    bool changed = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float weight = x[i] * x[i];
      Sums moved = sums.without(weight, x[i], levels[i]);
      if (!(moved.xl > 0.0F)) continue;
      const int level = clamp_int(nearest_int(x[i] * moved.l2 / moved.xl), -nmax, nmax - 1);
      if (level == levels[i]) continue;
      moved.add(weight, x[i], level);
      if (moved.l2 > 0.0F && moved.gains_over(sums)) {
        levels[i] = level;
        sums = moved;
        changed = true;
      }
    }
    if (!changed) break;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    codes[i] = static_cast<std::uint8_t>(levels[i] + nmax);
  }
  return sums.scale();
}

namespace {

// One group of fit_affine: what stays the same over the trials.
struct AffineGroup {
  std::span<const float> x;
  std::span<const float> weights;
  int nmax;
  ErrorNorm norm;

  void round_codes(float inverse_scale, float min, std::span<std::uint8_t> codes) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const int code = nearest_int(inverse_scale * (x[i] - min));
      codes[i] = static_cast<std::uint8_t>(clamp_int(code, 0, nmax));
    }
  }
  [[nodiscard]] float error(float scale, float min, std::span<const std::uint8_t> codes) const {
    float sum = 0.0F;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float difference = scale * static_cast<float>(codes[i]) + min - x[i];
      const float cost =
          norm == ErrorNorm::kAbsolute ? std::fabs(difference) : difference * difference;
      sum += weights[i] * cost;
    }
    return sum;
  }
};

}  // namespace

ScaleAndOffset fit_affine(std::span<const float> x, std::span<const float> weights, int nmax,
                          const AffineTrials& trials, std::span<std::uint8_t> codes) {
  PJ_CHECK(!x.empty() && x.size() <= kMaxGroupElems);
  float min = x[0];
  float max = x[0];
  float sum_w = weights[0];
  float sum_x = sum_w * x[0];
  for (std::size_t i = 1; i < x.size(); ++i) {
    if (x[i] < min) min = x[i];
    if (x[i] > max) max = x[i];
    sum_w += weights[i];
    sum_x += weights[i] * x[i];
  }
  if (min > 0.0F) min = 0.0F;
  if (max <= min) {
    std::ranges::fill(codes, std::uint8_t{0});
    return {0.0F, -min};
  }
  const AffineGroup group{x, weights, nmax, trials.norm};
  const auto levels = static_cast<float>(nmax);
  const float first_inverse = levels / (max - min);
  float scale = 1.0F / first_inverse;
  group.round_codes(first_inverse, min, codes);
  float best = group.error(scale, min, codes);

  std::array<std::uint8_t, kMaxGroupElems> trial_storage{};
  const auto trial_codes = std::span(trial_storage).first(x.size());
  for (int trial = 0; trial <= trials.steps; ++trial) {
    // `min` is the best one so far, `max` the group's own: as in the reference.
    const float inverse_scale =
        (trials.first + trials.step * static_cast<float>(trial) + levels) / (max - min);
    group.round_codes(inverse_scale, min, trial_codes);
    float sum_l = 0.0F;
    float sum_l2 = 0.0F;
    float sum_xl = 0.0F;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto l = static_cast<float>(trial_codes[i]);
      sum_l += weights[i] * l;
      sum_l2 += weights[i] * l * l;
      sum_xl += weights[i] * l * x[i];
    }
    const float determinant = sum_w * sum_l2 - sum_l * sum_l;
    if (!(determinant > 0.0F)) continue;
    float trial_scale = (sum_w * sum_xl - sum_x * sum_l) / determinant;
    float trial_min = (sum_l2 * sum_x - sum_l * sum_xl) / determinant;
    if (trial_min > 0.0F) {
      trial_min = 0.0F;
      trial_scale = sum_xl / sum_l2;
    }
    const float error = group.error(trial_scale, trial_min, trial_codes);
    if (error < best) {
      std::ranges::copy(trial_codes, codes.begin());
      best = error;
      scale = trial_scale;
      min = trial_min;
    }
  }
  return {scale, -min};
}

namespace {

// The trial scale, of nine around nmax / max, with the least weighted squared error.
float best_positive_inverse(std::span<const float> x, std::span<const float> weights, int nmax,
                            float max) {
  const auto levels = static_cast<float>(nmax);
  float best_inverse = levels / max;
  const float first_scale = 1.0F / best_inverse;
  float best_error = 0.0F;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto code = static_cast<std::uint8_t>(nearest_int(best_inverse * x[i]));
    const float difference = x[i] - first_scale * static_cast<float>(code);
    best_error += weights[i] * difference * difference;
  }
  for (int trial = -4; trial <= 4; ++trial) {
    if (trial == 0) continue;
    const float inverse = (0.1F * static_cast<float>(trial) + levels) / max;
    const float scale = 1.0F / inverse;
    float error = 0.0F;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const int code = std::min(nmax, nearest_int(inverse * x[i]));
      const float difference = x[i] - scale * static_cast<float>(code);
      error += weights[i] * difference * difference;
    }
    if (error < best_error) {
      best_error = error;
      best_inverse = inverse;
    }
  }
  return best_inverse;
}

}  // namespace

float fit_positive(std::span<const float> x, std::span<const float> weights, int nmax,
                   std::span<std::uint8_t> codes) {
  float max = 0.0F;
  for (const float value : x) max = max > value ? max : value;
  if (max < kGroupMaxEps) {
    std::ranges::fill(codes, std::uint8_t{0});
    return 0.0F;
  }
  const float inverse = best_positive_inverse(x, weights, nmax, max);
  Sums sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int code = std::min(nmax, nearest_int(inverse * x[i]));
    codes[i] = static_cast<std::uint8_t>(code);
    sums.add(weights[i], x[i], code);
  }
  for (int pass = 0; pass < 5; ++pass) {
    bool changed = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      Sums moved = sums.without(weights[i], x[i], codes[i]);
      if (!(moved.xl > 0.0F && moved.l2 > 0.0F)) continue;
      const int code = std::min(nmax, nearest_int(x[i] * moved.l2 / moved.xl));
      if (code == codes[i]) continue;
      moved.add(weights[i], x[i], code);
      if (moved.gains_over(sums)) {
        codes[i] = static_cast<std::uint8_t>(code);
        sums = moved;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return sums.scale();
}

}  // namespace pajamas
