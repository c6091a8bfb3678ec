// SPDX-License-Identifier: Apache-2.0
// What this process has used so far.
#pragma once

#include <cstdint>

namespace pajamas {

// Largest resident set since start, in bytes.
std::uint64_t peak_rss_bytes();
// User plus system CPU time of all threads, in seconds.
double cpu_seconds();

}  // namespace pajamas
