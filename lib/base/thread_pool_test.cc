// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <array>
#include <set>

#include <gtest/gtest.h>

#include "base/cancel.h"

namespace pajamas {
namespace {

class EveryThreadCount : public testing::TestWithParam<int> {};

TEST_P(EveryThreadCount, RunsEachIndexOnceOnAThreadOfThePool) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.thread_count(), GetParam());
  std::array<std::atomic<int>, 1000> runs{};
  std::atomic<bool> thread_in_range{true};
  const Status status = pool.run(1000, [&](std::int64_t index, int thread) -> Status {
    ++runs[static_cast<std::size_t>(index)];
    if (thread < 0 || thread >= GetParam()) thread_in_range = false;
    return {};
  });
  EXPECT_TRUE(status);
  EXPECT_TRUE(thread_in_range);
  for (const std::atomic<int>& count : runs) EXPECT_EQ(count, 1);
}

TEST_P(EveryThreadCount, GivesTheErrorOfTheLowestFailedIndexAndStops) {
  ThreadPool pool(GetParam());
  std::atomic<int> started{0};
  const Status status = pool.run(100'000, [&](std::int64_t index, int) -> Status {
    ++started;
    if (index >= 10) return make_error(ErrorCode::kIo, "job {} failed", index);
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "job 10 failed");
  EXPECT_LT(started, 100'000);
}

TEST_P(EveryThreadCount, CanRunAgainAfterSuccessFailureAndNothing) {
  ThreadPool pool(GetParam());
  const auto fail = [](std::int64_t, int) -> Status { return make_error(ErrorCode::kIo, "no"); };
  std::atomic<int> done{0};
  const auto count = [&](std::int64_t, int) -> Status {
    ++done;
    return {};
  };
  for (int round = 0; round < 200; ++round) {
    EXPECT_FALSE(pool.run(3, fail));
    EXPECT_TRUE(pool.run(0, fail));
    EXPECT_TRUE(pool.run(5, count));
  }
  EXPECT_EQ(done, 1000);
}

INSTANTIATE_TEST_SUITE_P(Pools, EveryThreadCount, testing::Values(1, 2, 7));

TEST(ThreadPool, StartsIndicesInAscendingOrder) {
  ThreadPool pool(1);
  std::int64_t expected = 0;
  EXPECT_TRUE(pool.run(50, [&](std::int64_t index, int) -> Status {
    EXPECT_EQ(index, expected++);
    return {};
  }));
}

TEST(ThreadPool, ZeroThreadsMeansOnePerUsableCpu) {
  EXPECT_GE(usable_cpu_count(), 1);
  EXPECT_EQ(ThreadPool(0).thread_count(), usable_cpu_count());
}

TEST(CancelToken, StopsARunOnceItIsSet) {
  CancelToken token;
  EXPECT_TRUE(token.check());
  ThreadPool pool(2);
  const Status status = pool.run(1'000'000, [&](std::int64_t index, int) -> Status {
    if (index == 20) token.cancel();
    return token.check();
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace pajamas
