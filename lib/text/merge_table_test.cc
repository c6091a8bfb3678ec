// SPDX-License-Identifier: Apache-2.0
#include "text/merge_table.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<std::int32_t>;

// The definition: the pair of the lowest rank merges, of equal ones the leftmost.
Ids merge_slowly(const MergeTable& table, Ids symbols) {
  while (true) {
    const MergeTable::Merge* best = nullptr;
    std::size_t place = 0;
    for (std::size_t at = 0; at + 1 < symbols.size(); ++at) {
      const MergeTable::Merge* merge = table.find(symbols[at], symbols[at + 1]);
      if (merge == nullptr || (best != nullptr && merge->rank >= best->rank)) continue;
      best = merge;
      place = at;
    }
    if (best == nullptr) return symbols;
    symbols[place] = best->id;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(MergeTable, FindsWhatWasPutLast) {
  MergeTable table;
  for (std::int32_t id = 0; id < 1000; ++id) table.put(id, id + 1, {.rank = 1, .id = id});
  table.put(5, 6, {.rank = 2, .id = 77});
  EXPECT_EQ(table.find(5, 6)->id, 77);
  EXPECT_EQ(table.find(999, 1000)->id, 999);
  EXPECT_EQ(table.find(6, 5), nullptr);
}

TEST(MergeTable, MergesShortAndLongWordsByRankThenFromTheLeft) {
  std::mt19937 random(3);
  MergeTable table;
  for (std::int32_t id = 8; id < 200; ++id) {
    const auto below = static_cast<std::uint32_t>(id);
    // Some ranks are shared, as equal scores of pieces are.
    table.put(static_cast<std::int32_t>(random() % below),
              static_cast<std::int32_t>(random() % below), {.rank = below / 3, .id = id});
  }
  for (const std::size_t length : {0U, 1U, 2U, 7U, 47U, 48U, 49U, 50U, 300U}) {
    for (int round = 0; round < 40; ++round) {
      Ids symbols(length);
      for (std::int32_t& symbol : symbols) symbol = static_cast<std::int32_t>(random() % 8);
      const Ids expected = merge_slowly(table, symbols);
      table.apply(symbols);
      ASSERT_EQ(symbols, expected) << length;
    }
  }
}

TEST(MergeTable, AMillionEqualSymbolsAreMergedInReasonableTime) {
  MergeTable table;
  for (std::int32_t id = 0; id < 6; ++id) {
    table.put(id, id, {.rank = static_cast<std::uint32_t>(id), .id = id + 1});
  }
  Ids symbols(std::size_t{1} << 20, 0);
  table.apply(symbols);
  EXPECT_EQ(symbols, Ids(std::size_t{1} << 14, 6));
}

}  // namespace
}  // namespace pajamas
