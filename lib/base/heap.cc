// SPDX-License-Identifier: Apache-2.0
#include "base/heap.h"

#include <malloc.h>

namespace pajamas {

void give_back_free_memory() { static_cast<void>(malloc_trim(0)); }

void keep_little_free_memory() {
  // Setting them also keeps glibc from raising them to the size of what was freed last.
  constexpr int kThresholdBytes = 1 << 20;
  static_cast<void>(mallopt(M_MMAP_THRESHOLD, kThresholdBytes));
  static_cast<void>(mallopt(M_TRIM_THRESHOLD, kThresholdBytes));
}

}  // namespace pajamas
