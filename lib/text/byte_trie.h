// SPDX-License-Identifier: Apache-2.0
// Byte strings with a value each, walked byte by byte.
//
// put everything, then read-only: walk may be called from several threads at once.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/merge_table.h"

namespace pajamas {

class ByteTrie {
 public:
  static constexpr std::int32_t kNoNode = -1;
  static constexpr std::int32_t kNoValue = -1;
  static constexpr std::int32_t kRoot = 0;

  ByteTrie() : values_(1, kNoValue) { first_.fill(kNoNode); }

  // A key that is there keeps its value. Keys are not empty, values not negative.
  void put(std::string_view key, std::int32_t value);

  // The node behind `node` and `byte`, kNoNode when no key goes on so.
  [[nodiscard]] std::int32_t walk(std::int32_t node, char byte) const {
    const auto value = static_cast<std::uint8_t>(byte);
    if (node == kRoot) return first_[value];
    const MergeTable::Merge* next = nodes_.find(node, value);
    return next == nullptr ? kNoNode : next->id;
  }
  [[nodiscard]] std::int32_t value(std::int32_t node) const {
    return values_[static_cast<std::size_t>(node)];
  }
  [[nodiscard]] std::size_t node_count() const { return values_.size(); }

 private:
  std::array<std::int32_t, 256> first_{};
  MergeTable nodes_;  // (node, byte) -> node
  std::vector<std::int32_t> values_;
};

inline void ByteTrie::put(std::string_view key, std::int32_t value) {
  std::int32_t node = kRoot;
  for (const char byte : key) {
    std::int32_t next = walk(node, byte);
    if (next == kNoNode) {
      next = static_cast<std::int32_t>(values_.size());
      values_.push_back(kNoValue);
      const auto label = static_cast<std::uint8_t>(byte);
      if (node == kRoot) {
        first_[label] = next;
      } else {
        nodes_.put(node, label, {.rank = 0, .id = next});
      }
    }
    node = next;
  }
  std::int32_t& place = values_[static_cast<std::size_t>(node)];
  if (place == kNoValue) place = value;
}

}  // namespace pajamas
