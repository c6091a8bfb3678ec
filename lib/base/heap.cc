// SPDX-License-Identifier: Apache-2.0
#include "base/heap.h"

#include <malloc.h>

namespace pajamas {

void give_back_free_memory() { static_cast<void>(malloc_trim(0)); }

}  // namespace pajamas
