// SPDX-License-Identifier: Apache-2.0
// What an error in each weight costs, as the scale searches use it.
//
// With an importance matrix the cost is importance * sqrt(variance + x^2): large weights count for
// more than small ones, but only with a square root, and the variance keeps weights near zero from
// counting for nothing. The variance is that of a row, a super block or a block; each codec says.
// Sums run left to right in float: the encoded bytes depend on it.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace pajamas {

inline float sum_of_squares(std::span<const float> x) {
  float sum = 0.0F;
  for (const float value : x) sum += value * value;
  return sum;
}

inline float sum_of(std::span<const float> x) {
  float sum = 0.0F;
  for (const float value : x) sum += value;
  return sum;
}

// Mean square of a whole row: the variance of the 32-element types.
inline float row_variance(std::span<const float> row) {
  return sum_of_squares(row) / static_cast<float>(row.size());
}

// weights[i] = importance[i] * sqrt(variance + x[i]^2)
inline void weigh_by_importance(std::span<const float> x, std::span<const float> importance,
                                float variance, std::span<float> weights) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    weights[i] = importance[i] * std::sqrt(variance + x[i] * x[i]);
  }
}

inline void weigh_by_square(std::span<const float> x, std::span<float> weights) {
  for (std::size_t i = 0; i < x.size(); ++i) weights[i] = x[i] * x[i];
}

}  // namespace pajamas
