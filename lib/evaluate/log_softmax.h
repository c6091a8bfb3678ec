// SPDX-License-Identifier: Apache-2.0
// Logits to log-probabilities: F32 exponentials, summed in F64 in an order that does not depend on
// the machine or on threads, so that equal logits give equal bits everywhere.
//
// Pure functions; the caller splits rows among threads.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/error.h"

namespace pajamas {

// exp(x) for x <= 0, within 2 units in the last place; what is below exp(-87) counts as exp(-87).
// NaN stays NaN. Branch-free, so that loops over it become vector code.
inline float exp_of_negative(float x) {
  constexpr float kLowest = -87.0F;
  x = x < kLowest ? kLowest : x;
  // x = steps * ln 2 + rest, |rest| <= ln 2 / 2: adding 1.5 * 2^23 rounds to a whole number.
  constexpr float kRound = 12582912.0F;
  const float shifted = x * 1.44269504F + kRound;
  const float steps = shifted - kRound;
  // ln 2 in two parts, the first short enough that its product with `steps` is exact.
  const float rest = (x - steps * 0.693145752F) - steps * 1.42860677e-6F;
  // The series of exp to its seventh power leaves less than 1e-8.
  float power = 1.0F / 5040.0F;
  power = power * rest + 1.0F / 720.0F;
  power = power * rest + 1.0F / 120.0F;
  power = power * rest + 1.0F / 24.0F;
  power = power * rest + 1.0F / 6.0F;
  power = power * rest + 0.5F;
  power = power * rest + 1.0F;
  power = power * rest + 1.0F;
  const auto exponent = (std::bit_cast<std::uint32_t>(shifted) << 23) + 0x3F800000U;
  return power * std::bit_cast<float>(exponent);
}

// What turns a row's logits into probabilities.
struct Normalizer {
  std::int32_t top = 0;  // the first token with the largest logit
  float max = 0;         // its logit
  double sum = 0;        // of exp(logit - max)
  double log_sum = 0;

  [[nodiscard]] double log_probability(float logit) const {
    return static_cast<double>(logit - max) - log_sum;
  }
};

// Errors: a logit that is not a number, or no finite one (a damaged or wrongly scaled model).
Result<Normalizer> normalize(std::span<const float> logits);

}  // namespace pajamas
