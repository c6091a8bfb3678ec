// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/python_random.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_set>

#include "base/check.h"

namespace pajamas {

// Initialization by an array of one word, as the generator's authors published it (2002).
PythonRandom::PythonRandom(std::uint32_t seed) {
  state_[0] = 19650218U;
  for (std::uint32_t i = 1; i < kWords; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
  std::size_t i = 1;
  const auto step = [&] {
    if (++i == kWords) {
      state_[0] = state_[kWords - 1];
      i = 1;
    }
  };
  const auto mixed = [&] { return state_[i - 1] ^ (state_[i - 1] >> 30); };
  for (std::size_t k = 0; k < kWords; ++k) {
    state_[i] = (state_[i] ^ (mixed() * 1664525U)) + seed;
    step();
  }
  for (std::size_t k = 0; k + 1 < kWords; ++k) {
    state_[i] = (state_[i] ^ (mixed() * 1566083941U)) - static_cast<std::uint32_t>(i);
    step();
  }
  state_[0] = 0x80000000U;
}

void PythonRandom::refill() {
  constexpr std::size_t kShift = 397;
  for (std::size_t k = 0; k < kWords; ++k) {
    const std::uint32_t word = (state_[k] & 0x80000000U) | (state_[(k + 1) % kWords] & 0x7fffffffU);
    state_[k] = state_[(k + kShift) % kWords] ^ (word >> 1) ^ ((word & 1U) * 0x9908b0dfU);
  }
  used_ = 0;
}

std::uint32_t PythonRandom::next_word() {
  if (used_ == kWords) refill();
  std::uint32_t word = state_[used_++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680U;
  word ^= (word << 15) & 0xefc60000U;
  return word ^ (word >> 18);
}

std::uint32_t PythonRandom::bits(int count) { return next_word() >> (32 - count); }

std::size_t PythonRandom::below(std::size_t limit) {
  const auto width = static_cast<int>(std::bit_width(limit));
  PJ_CHECK(limit > 0 && width <= 32);
  std::size_t value = bits(width);
  while (value >= limit) value = bits(width);
  return value;
}

std::vector<std::size_t> PythonRandom::sample(std::size_t population, std::size_t count) {
  PJ_CHECK(count <= population);
  // Python shuffles a list when that takes less room than a set of what was drawn: 21 slots, or for
  // more than five draws the power of four that is at least three times their number.
  std::size_t set_slots = 21;
  if (count > 5) {
    std::size_t power = 1;
    while (power < 3 * count) power *= 4;
    set_slots += power;
  }
  std::vector<std::size_t> drawn(count);
  if (population <= set_slots) {
    std::vector<std::size_t> pool(population);
    std::iota(pool.begin(), pool.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = below(population - i);
      drawn[i] = pool[at];
      pool[at] = pool[population - i - 1];
    }
    return drawn;
  }
  std::unordered_set<std::size_t> seen;
  for (std::size_t& index : drawn) {
    index = below(population);
    while (!seen.insert(index).second) index = below(population);
  }
  return drawn;
}

}  // namespace pajamas
