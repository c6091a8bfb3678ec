// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker_team.h"

#include <gtest/gtest.h>

#include <chrono>

namespace pajamas {
namespace {

TEST(WorkerTeam, CallsEveryIndexOnceInEveryStep) {
  for (const int threads : {1, 2, 5}) {
    WorkerTeam team(threads);
    EXPECT_EQ(team.thread_count(), threads);
    for (int step = 0; step < 200; ++step) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(step));
      team.run(step, [&](std::int64_t index, int thread) {
        ASSERT_LT(thread, threads);
        calls[static_cast<std::size_t>(index)].fetch_add(1);
      });
      for (const auto& count : calls) ASSERT_EQ(count.load(), 1);
    }
  }
}

TEST(WorkerTeam, WakesWorkersThatHaveGoneToSleep) {
  WorkerTeam team(3);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> sum{0};
    team.run(100, [&](std::int64_t index, int) { sum.fetch_add(static_cast<int>(index)); });
    EXPECT_EQ(sum.load(), 4950);
  }
}

}  // namespace
}  // namespace pajamas
