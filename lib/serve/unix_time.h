// SPDX-License-Identifier: Apache-2.0
// The time as the API writes it: whole seconds since 1970.
#pragma once

#include <chrono>
#include <cstdint>

namespace pajamas {

inline std::int64_t unix_time_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace pajamas
