// SPDX-License-Identifier: Apache-2.0
// Rounding to -1, 0, 1 (stored as 0, 1, 2), shared by the ternary types.
#pragma once

#include <cstdint>

namespace pajamas {

// scaled: x / largest magnitude, so within [-1, 1]; halves round away from zero. When the inverse
// of a denormal magnitude overflows, x * inverse is infinite or NaN and the code is that of 0.
constexpr std::uint8_t ternary_code(float scaled) {
  if (scaled >= 0.5F && scaled < 2.0F) return 2;
  if (scaled <= -0.5F && scaled > -2.0F) return 0;
  return 1;
}

}  // namespace pajamas
