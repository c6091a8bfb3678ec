// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak_loops.h"

#include <cstdint>
#include <cstring>

namespace pajamas {

// A word of every cache line: all bytes come from memory, and the fewer instructions a line takes,
// the more lines the processor has under way.
void read_all(const std::byte* data, std::size_t bytes) {
  constexpr std::size_t kLineBytes = 64;
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at + kLineBytes <= bytes; at += kLineBytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, sizeof word);
    sum += word;
  }
  volatile std::uint64_t sink = sum;
  static_cast<void>(sink);
}

}  // namespace pajamas
