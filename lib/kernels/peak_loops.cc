// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak_loops.h"

#include <cstdint>
#include <cstring>

namespace pajamas {

// Plain loads of any width outrun memory, so no instruction set needs its own loop.
void read_all(const std::byte* data, std::size_t bytes) {
  std::uint64_t sums[4] = {};
  for (std::size_t at = 0; at + sizeof(sums) <= bytes; at += sizeof(sums)) {
    std::uint64_t words[4];
    std::memcpy(words, data + at, sizeof(words));
    for (int lane = 0; lane < 4; ++lane) sums[lane] += words[lane];
  }
  volatile std::uint64_t sink = sums[0] + sums[1] + sums[2] + sums[3];
  static_cast<void>(sink);
}

}  // namespace pajamas
