// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, measured: the yardsticks of `benchmark`.
#pragma once

#include "base/error.h"

namespace pajamas {

struct MachineLimits {
  double read_gb_per_second = 0;  // a plain read loop over memory far larger than the caches
  double int8_gops = 0;           // nothing but int8 dot products, two operations per product
};

// On as many threads as given, all at once; takes about a second.
Result<MachineLimits> measure_machine_limits(int threads);

}  // namespace pajamas
