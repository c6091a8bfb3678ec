// SPDX-License-Identifier: Apache-2.0
// Python's random.Random(seed).sample(): which examples lm-evaluation-harness puts before a
// question is decided by it, and equal scores need equal examples.
//
// A Mersenne Twister (MT19937), seeded as Python seeds it from an integer. Not for use from several
// threads at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pajamas {

class PythonRandom {
 public:
  explicit PythonRandom(std::uint32_t seed);

  // `count` different indices below `population`, which is at least `count`.
  std::vector<std::size_t> sample(std::size_t population, std::size_t count);

 private:
  static constexpr std::size_t kWords = 624;

  std::uint32_t next_word();
  void refill();
  std::uint32_t bits(int count);
  std::size_t below(std::size_t limit);

  std::array<std::uint32_t, kWords> state_{};
  std::size_t used_ = kWords;
};

}  // namespace pajamas
