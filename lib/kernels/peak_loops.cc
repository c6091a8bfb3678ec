// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak_loops.h"

#include <cstdint>
#include <cstring>

namespace pajamas {

// Plain loads of any width outrun memory, so no instruction set needs its own loop.
void read_all(const std::byte* data, std::size_t bytes) {
  // One chain of additions per word of a cache line, so that loading is what takes the time.
  constexpr std::size_t kLineBytes = 64;
  std::uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  for (std::size_t at = 0; at + kLineBytes <= bytes; at += kLineBytes) {
    std::uint64_t words[kLineBytes / sizeof(std::uint64_t)];
    std::memcpy(words, data + at, kLineBytes);
    a += words[0];
    b += words[1];
    c += words[2];
    d += words[3];
    e += words[4];
    f += words[5];
    g += words[6];
    h += words[7];
  }
  volatile std::uint64_t sink = a + b + c + d + e + f + g + h;
  static_cast<void>(sink);
}

}  // namespace pajamas
