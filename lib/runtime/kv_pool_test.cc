// SPDX-License-Identifier: Apache-2.0
#include "runtime/kv_pool.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

// Blocks of 8 MB, so that a slab has three and seven need a third one.
constexpr KvShape kShape{.type = KvType::kF32, .layers = 16, .kv_heads = 8, .head_dim = 128};
constexpr std::int32_t kBlocks = 7;

TEST(KvPool, BlocksOfAllSlabsAreApartAndZeroedWhenTheyComeBack) {
  KvPool pool(kShape, kBlocks);
  for (std::int32_t block = 0; block < kBlocks; ++block) {
    ASSERT_EQ(pool.allocate().value(), block);
    const std::span<std::byte> bytes = pool.bytes(block);
    ASSERT_EQ(bytes.size(), kShape.block_bytes());
    EXPECT_EQ(bytes.front(), std::byte{0});
    EXPECT_EQ(bytes.back(), std::byte{0});
    bytes.front() = bytes.back() = static_cast<std::byte>(block + 1);
    EXPECT_EQ(pool.page(block, 0, 0), bytes.data());
    EXPECT_EQ(pool.page(block, 15, 7) + kShape.page_bytes(), bytes.data() + bytes.size());
  }
  for (std::int32_t block = 0; block < kBlocks; ++block) {
    EXPECT_EQ(pool.bytes(block).front(), static_cast<std::byte>(block + 1));
    EXPECT_EQ(pool.bytes(block).back(), static_cast<std::byte>(block + 1));
  }
  EXPECT_EQ(pool.allocate().error().code, ErrorCode::kNoSpace);
  pool.release(4);
  ASSERT_EQ(pool.allocate().value(), 4);
  EXPECT_EQ(pool.bytes(4).front(), std::byte{0});
}

}  // namespace
}  // namespace pajamas
