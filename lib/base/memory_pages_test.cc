// SPDX-License-Identifier: Apache-2.0
#include "base/memory_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace pajamas {
namespace {

TEST(MemoryPages, AreZeroWritableAndMovable) {
  auto pages = MemoryPages::allocate(5'000'000);
  ASSERT_TRUE(pages.has_value());
  EXPECT_EQ(pages->bytes().size(), 5'000'000U);
  EXPECT_TRUE(std::ranges::all_of(pages->bytes(), [](std::byte b) { return b == std::byte{0}; }));
  pages->bytes().back() = std::byte{7};
  const MemoryPages moved = std::move(*pages);
  EXPECT_EQ(moved.bytes().back(), std::byte{7});
}

TEST(MemoryPages, AnAbsurdSizeIsAnError) {
  const auto pages = MemoryPages::allocate(~std::uint64_t{0});
  ASSERT_FALSE(pages.has_value());
  EXPECT_EQ(pages.error().code, ErrorCode::kNoSpace);
}

TEST(MemoryPages, AvailableMemoryIsKnownOnThisSystem) {
  EXPECT_GT(available_memory_bytes(), std::uint64_t{1} << 20);
  EXPECT_LT(available_memory_bytes(), std::uint64_t{1} << 50);
}

}  // namespace
}  // namespace pajamas
