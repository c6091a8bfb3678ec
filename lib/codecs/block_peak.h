// SPDX-License-Identifier: Apache-2.0
// The element that sets the scale of a symmetric block.
#pragma once

#include <cmath>
#include <span>

namespace pajamas {

// The largest magnitude, and the signed value of the first element that has it.
struct BlockPeak {
  float magnitude = 0.0F;
  float value = 0.0F;
};

inline BlockPeak find_block_peak(std::span<const float> x) {
  BlockPeak peak;
  for (const float value : x) {
    if (std::fabs(value) > peak.magnitude) peak = {std::fabs(value), value};
  }
  return peak;
}

// 1 / scale, and 0 for a scale of 0.
inline float inverse_or_zero(float scale) { return scale != 0.0F ? 1.0F / scale : 0.0F; }

}  // namespace pajamas
