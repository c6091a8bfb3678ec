// SPDX-License-Identifier: Apache-2.0
// Ids of words seen before, in a table of fixed size: a new word takes the place of the old one.
//
// Not thread-safe; each thread that encodes has its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace pajamas {

class WordCache {
 public:
  WordCache() : entries_(kEntries) {}

  // The place of a word: pass it to get and put.
  static std::size_t place_of(std::string_view word) {
    std::uint64_t hash = word.size();
    std::size_t offset = 0;
    for (; offset + 8 <= word.size(); offset += 8) hash = mix(hash, load(word, offset, 8));
    return static_cast<std::size_t>(mix(hash, load(word, offset, word.size() - offset)) >> 40) &
           (kEntries - 1);
  }

  static bool can_hold(std::string_view word) {
    return !word.empty() && word.size() <= kMaxWordBytes;
  }

  // Appends the word's ids; false when it is not there. `word` must be one it can hold.
  bool get(std::size_t place, std::string_view word, std::vector<std::int32_t>& ids) const {
    const Entry& entry = entries_[place];
    if (entry.word_bytes != word.size() ||
        std::memcmp(entry.word.data(), word.data(), word.size()) != 0) {
      return false;
    }
    ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.id_count);
    return true;
  }

  void put(std::size_t place, std::string_view word, std::span<const std::int32_t> ids) {
    if (ids.size() > kMaxIds) return;
    Entry& entry = entries_[place];
    entry.word_bytes = static_cast<std::uint8_t>(word.size());
    entry.id_count = static_cast<std::uint8_t>(ids.size());
    std::memcpy(entry.word.data(), word.data(), word.size());
    if (!ids.empty()) std::memcpy(entry.ids.data(), ids.data(), ids.size_bytes());
  }

 private:
  // An entry is one cache line. Nearly all words of a running text are shorter than this.
  static constexpr std::size_t kMaxWordBytes = 30;
  static constexpr std::size_t kMaxIds = 8;
  static constexpr std::size_t kEntries = std::size_t{1} << 15;  // 2 MiB
  struct alignas(64) Entry {
    std::array<std::int32_t, kMaxIds> ids{};
    std::array<char, kMaxWordBytes> word{};
    std::uint8_t word_bytes = 0;
    std::uint8_t id_count = 0;
  };
  static_assert(sizeof(Entry) == 64);

  static std::uint64_t load(std::string_view word, std::size_t offset, std::size_t bytes) {
    std::uint64_t value = 0;
    if (bytes != 0) std::memcpy(&value, word.data() + offset, bytes);
    return value;
  }
  static std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio
    return hash ^ (hash >> 29);
  }

  std::vector<Entry> entries_;
};

}  // namespace pajamas
