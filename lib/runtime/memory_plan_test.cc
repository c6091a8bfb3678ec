// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMega = 1'000'000;

// Ten layers of 100 MB beside 50 MB, 4 MB of cache for 64 positions.
MemoryNeeds needs(LayerStreaming streaming, std::uint64_t limit) {
  return {.weights = {.outside_layers = 50 * kMega,
                      .all_layers = 1000 * kMega,
                      .largest_layer = 100 * kMega},
          .scratch_bytes = 10 * kMega,
          .cache_block_bytes = 4 * kMega,
          .pass_token_bytes = 1000,
          .micro_batch = 512,
          .context = 640,
          .streaming = streaming,
          .limit_bytes = limit};
}

TEST(MemoryPlan, AutoKeepsAllLayersWhereTheyFitAndStreamsWhereTheyDoNot) {
  const auto all = plan_memory(needs(LayerStreaming::kAuto, 1100 * kMega), "m");
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->layer_buffers, 0);
  EXPECT_EQ(all->pass_tokens, 512);
  EXPECT_EQ(all->total_bytes, 1100 * kMega);
  const auto two = plan_memory(needs(LayerStreaming::kAuto, 1099 * kMega), "m");
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->layer_buffers, 2);
  EXPECT_EQ(two->pass_tokens, 640);  // all that the cache has room for
  const auto one = plan_memory(needs(LayerStreaming::kAuto, 201 * kMega), "m");
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->layer_buffers, 1);
}

TEST(MemoryPlan, TheSwitchIsFollowed) {
  EXPECT_EQ(plan_memory(needs(LayerStreaming::kOn, 5000 * kMega), "m")->layer_buffers, 2);
  EXPECT_EQ(plan_memory(needs(LayerStreaming::kOff, 5000 * kMega), "m")->layer_buffers, 0);
}

TEST(MemoryPlan, WhatDoesNotFitIsAnErrorWithTheNumbers) {
  const auto off = plan_memory(needs(LayerStreaming::kOff, 1099 * kMega), "m");
  ASSERT_FALSE(off.has_value());
  EXPECT_EQ(off.error().code, ErrorCode::kNoSpace);
  EXPECT_THAT(off.error().message, HasSubstr("'m' needs 1.10 GB of memory (1.05 GB for weights"));
  const auto on = plan_memory(needs(LayerStreaming::kAuto, 200 * kMega), "m");
  ASSERT_FALSE(on.has_value());
  EXPECT_EQ(on.error().code, ErrorCode::kNoSpace);
  EXPECT_THAT(on.error().message, HasSubstr("'m' needs 201 MB of memory even layer by layer"));
  EXPECT_THAT(on.error().message, HasSubstr("100 MB for the largest layer"));
  EXPECT_THAT(on.error().message, HasSubstr("only 200 MB can be used"));
}

TEST(MemoryPlan, ACacheOfOneCallTakesAsManyTokensAsTheMemoryHasRoomFor) {
  MemoryNeeds wanted = needs(LayerStreaming::kOn, 420 * kMega);
  wanted.has_cache_of_one_call = true;
  const auto plan = plan_memory(wanted, "m");
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->cache_positions, 39 * 64);  // 160 MB are left for blocks of 4.064 MB
  EXPECT_EQ(plan->pass_tokens, plan->cache_positions);
  EXPECT_LE(plan->total_bytes, 420 * kMega);
  wanted.limit_bytes = 1000000 * kMega;
  EXPECT_EQ(plan_memory(wanted, "m")->pass_tokens, 32768);
  wanted.cache_positions = 1000;
  EXPECT_EQ(plan_memory(wanted, "m")->pass_tokens, 1024);
}

}  // namespace
}  // namespace pajamas
