// SPDX-License-Identifier: Apache-2.0
#include "tensor/metadata.h"

#include <algorithm>

namespace pajamas {

void Metadata::set(std::string_view key, MetadataValue value) {
  for (Entry& entry : entries_) {
    if (entry.first == key) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(key), std::move(value));
}

void Metadata::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == key; });
}

void Metadata::merge(const Metadata& other) {
  for (const Entry& entry : other.entries_) set(entry.first, entry.second);
}

const MetadataValue* Metadata::find(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &Entry::first);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace pajamas
