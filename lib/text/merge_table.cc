// SPDX-License-Identifier: Apache-2.0
#include "text/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <queue>
#include <random>
#include <utility>

namespace pajamas {
namespace {

// Up to here a scan for the best pair is faster than a queue.
constexpr std::size_t kShortWord = 48;
constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
constexpr std::int32_t kNoEntry = -1;

// A merge that may be done; stale when its neighbours have merged since.
struct Candidate {
  std::uint32_t rank;
  std::int32_t position;
  std::int32_t left;
  std::int32_t right;
  std::int32_t merged;
};

struct WorseCandidate {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  }
};

// Symbols as a doubly linked list inside an array; a removed one has no id.
struct Symbol {
  std::int32_t id;
  std::int32_t previous;
  std::int32_t next;
};

std::uint64_t process_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }();
  return seed;
}

}  // namespace

MergeTable::MergeTable() : seed_(process_seed()) { rehash(16); }

void MergeTable::reserve(std::size_t merges) {
  const std::size_t capacity = std::bit_ceil(merges * 2 + 16);
  if (capacity > slots_.size()) rehash(capacity);
}

void MergeTable::rehash(std::size_t capacity) {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(capacity));
  mask_ = capacity - 1;
  for (const Slot& slot : old) {
    if (slot.key == kEmpty) continue;
    std::size_t at = home_of(slot.key);
    while (slots_[at].key != kEmpty) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
}

void MergeTable::put(std::int32_t left, std::int32_t right, Merge merge) {
  if ((count_ + 1) * 2 > slots_.size()) rehash(slots_.size() * 2);
  const std::uint64_t key = pair_key(left, right);
  std::size_t at = home_of(key);
  while (slots_[at].key != kEmpty && slots_[at].key != key) at = (at + 1) & mask_;
  if (slots_[at].key == kEmpty) ++count_;
  slots_[at] = {key, merge};
}

void MergeTable::apply(std::vector<std::int32_t>& symbols) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    apply_short(symbols);
  } else {
    apply_long(symbols);
  }
}

void MergeTable::apply_short(std::vector<std::int32_t>& symbols) const {
  std::array<Merge, kShortWord> merges;  // of a symbol with the one behind it
  std::size_t count = symbols.size();
  const auto look_up = [&](std::size_t at) {
    const Merge* merge = find(symbols[at], symbols[at + 1]);
    merges[at] = merge == nullptr ? Merge{.rank = kNoRank} : *merge;
  };
  for (std::size_t at = 0; at + 1 < count; ++at) look_up(at);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t at = 1; at + 1 < count; ++at) {
      if (merges[at].rank < merges[best].rank) best = at;
    }
    if (merges[best].rank == kNoRank) break;
    symbols[best] = merges[best].id;
    for (std::size_t at = best + 1; at + 1 < count; ++at) {
      symbols[at] = symbols[at + 1];
      merges[at] = merges[at + 1];
    }
    --count;
    if (best > 0) look_up(best - 1);
    if (best + 1 < count) look_up(best);
  }
  symbols.resize(count);
}

void MergeTable::apply_long(std::vector<std::int32_t>& ids) const {
  const auto count = static_cast<std::int32_t>(ids.size());
  std::vector<Symbol> symbols(ids.size());
  for (std::int32_t at = 0; at < count; ++at) {
    symbols[static_cast<std::size_t>(at)] = {.id = ids[static_cast<std::size_t>(at)],
                                             .previous = at - 1,
                                             .next = at + 1 < count ? at + 1 : kNoEntry};
  }
  const auto symbol = [&](std::int32_t at) -> Symbol& {
    return symbols[static_cast<std::size_t>(at)];
  };
  std::vector<Candidate> candidates;
  candidates.reserve(ids.size());
  std::priority_queue<Candidate, std::vector<Candidate>, WorseCandidate> queue(
      WorseCandidate{}, std::move(candidates));
  const auto offer = [&](std::int32_t at) {
    if (at == kNoEntry || symbol(at).next == kNoEntry) return;
    const std::int32_t left = symbol(at).id;
    const std::int32_t right = symbol(symbol(at).next).id;
    const Merge* merge = find(left, right);
    if (merge != nullptr) queue.push({merge->rank, at, left, right, merge->id});
  };
  for (std::int32_t at = 0; at + 1 < count; ++at) offer(at);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const std::int32_t at = best.position;
    const std::int32_t next = symbol(at).next;
    if (symbol(at).id != best.left || next == kNoEntry || symbol(next).id != best.right) continue;
    symbol(at).id = best.merged;
    symbol(at).next = symbol(next).next;
    if (symbol(at).next != kNoEntry) symbol(symbol(at).next).previous = at;
    symbol(next).id = kNoEntry;
    offer(symbol(at).previous);
    offer(at);
  }
  ids.clear();
  for (std::int32_t at = 0; at != kNoEntry; at = symbol(at).next) ids.push_back(symbol(at).id);
}

}  // namespace pajamas
