// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pajamas {
namespace {

// The pair that makes `turns` turns within the original context (YaRN, arXiv 2309.00071, 3.2).
double pair_of_turns(const RopeParameters& rope, double turns) {
  const auto dims = static_cast<double>(rope.rotated);
  const auto context = static_cast<double>(rope.original_context);
  return dims * std::log(context / (turns * 2.0 * std::numbers::pi)) / (2.0 * std::log(rope.theta));
}

// Share of the unscaled frequency in each pair: 1 for fast pairs, 0 for slow ones.
std::vector<double> yarn_shares(const RopeParameters& rope) {
  const double last = static_cast<double>(rope.rotated) - 1.0;
  const double low = std::max(0.0, std::floor(pair_of_turns(rope, rope.beta_fast)));
  const double high = std::min(last, std::ceil(pair_of_turns(rope, rope.beta_slow)));
  std::vector<double> shares;
  for (std::int64_t pair = 0; pair < rope.rotated / 2; ++pair) {
    const double ramp = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
    shares.push_back((1.0 - std::clamp(ramp, 0.0, 1.0)) * rope.extrapolation);
  }
  return shares;
}

}  // namespace

RopeFrequencies make_rope_frequencies(const RopeParameters& rope, std::span<const float> divisors) {
  RopeFrequencies result{.radians = {}, .magnitude = rope.magnitude};
  const bool is_yarn = rope.scaling == RopeScalingKind::kYarn && rope.extrapolation != 0;
  const std::vector<double> shares = is_yarn ? yarn_shares(rope) : std::vector<double>{};
  for (std::int64_t pair = 0; pair < rope.rotated / 2; ++pair) {
    const auto index = static_cast<std::size_t>(pair);
    const double exponent = -2.0 * static_cast<double>(pair) / static_cast<double>(rope.rotated);
    double radians = std::pow(rope.theta, exponent);
    if (!divisors.empty()) radians /= static_cast<double>(divisors[index]);
    const double scaled = radians / rope.factor;
    result.radians.push_back(is_yarn ? scaled * (1.0 - shares[index]) + radians * shares[index]
                                     : scaled);
  }
  return result;
}

RopeAngles compute_angles(ForwardContext& context, const RopeFrequencies& frequencies,
                          std::span<const std::int64_t> positions, float* out) {
  const auto pairs = static_cast<std::int64_t>(frequencies.radians.size());
  const auto rows = static_cast<std::int64_t>(positions.size());
  float* cos = out;
  float* sin = out + rows * pairs;
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      const auto position = static_cast<double>(positions[static_cast<std::size_t>(row)]);
      for (std::int64_t pair = 0; pair < pairs; ++pair) {
        const double angle = position * frequencies.radians[static_cast<std::size_t>(pair)];
        cos[row * pairs + pair] = static_cast<float>(std::cos(angle) * frequencies.magnitude);
        sin[row * pairs + pair] = static_cast<float>(std::sin(angle) * frequencies.magnitude);
      }
    }
  });
  return {.cos = cos, .sin = sin};
}

}  // namespace pajamas
