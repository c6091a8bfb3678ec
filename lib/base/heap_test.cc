// SPDX-License-Identifier: Apache-2.0
#include "base/heap.h"

#include <malloc.h>

#include <fstream>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

std::uint64_t resident_pages() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident;
}

TEST(Heap, GivesThePagesBehindWhichSomethingLivesBack) {
  constexpr std::size_t kPieces = 200'000;
  const std::uint64_t before = resident_pages();
  std::vector<std::unique_ptr<std::vector<char>>> pieces;
  for (std::size_t count = 0; count < kPieces; ++count) {
    pieces.push_back(std::make_unique<std::vector<char>>(400, 'x'));
  }
  if (mallinfo2().uordblks < kPieces * 400) GTEST_SKIP() << "malloc is not that of the C library";
  const auto last = std::move(pieces.back());
  const std::uint64_t full = resident_pages();
  pieces.clear();
  pieces.shrink_to_fit();
  give_back_free_memory();
  EXPECT_LT(resident_pages() - before, (full - before) / 4);
  EXPECT_EQ(last->size(), 400U);
}

}  // namespace
}  // namespace pajamas
