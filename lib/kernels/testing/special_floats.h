// SPDX-License-Identifier: Apache-2.0
// What arithmetic must carry through.
#pragma once

#include <limits>

namespace pajamas::testing {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace pajamas::testing
