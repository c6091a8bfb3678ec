// SPDX-License-Identifier: Apache-2.0
// The merges of a BPE by the ids of a pair, and the merging itself.
//
// put everything, then read-only: find and apply may be called from several threads at once.
// Applying costs n log n in the number of symbols, however they repeat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pajamas {

class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank = 0;  // lower is better; of equal ranks the leftmost pair merges first
    std::int32_t id = 0;     // what the pair becomes
  };

  MergeTable();

  void reserve(std::size_t merges);
  // A pair that is there is replaced. Ids are not negative.
  void put(std::int32_t left, std::int32_t right, Merge merge);
  // Nullptr when the pair does not merge.
  [[nodiscard]] const Merge* find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = pair_key(left, right);
    for (std::size_t at = home_of(key);; at = (at + 1) & mask_) {
      if (slots_[at].key == key) return &slots_[at].merge;
      if (slots_[at].key == kEmpty) return nullptr;
    }
  }
  // Does the best merge until none is left.
  void apply(std::vector<std::int32_t>& symbols) const;

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = kEmpty;
    Merge merge{};
  };

  static std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  [[nodiscard]] std::size_t home_of(std::uint64_t key) const {
    std::uint64_t mixed = (key ^ seed_) * 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio
    mixed = (mixed ^ (mixed >> 32)) * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(mixed >> 32) & mask_;
  }
  void rehash(std::size_t capacity);
  void apply_short(std::vector<std::int32_t>& symbols) const;
  void apply_long(std::vector<std::int32_t>& symbols) const;

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
  std::uint64_t seed_ = 0;  // of the process: a file cannot choose pairs that collide
};

}  // namespace pajamas
