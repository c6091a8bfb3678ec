// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

namespace pajamas::testing_support {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace pajamas::testing_support
