// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace pajamas {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "llama-pajamas: internal error: %s is false at %s:%d. Please report this.\n",
               condition, file, line);
  std::abort();
}

}  // namespace pajamas
