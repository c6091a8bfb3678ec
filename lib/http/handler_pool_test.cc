// SPDX-License-Identifier: Apache-2.0
#include "http/handler_pool.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace pajamas::http {
namespace {

TEST(HandlerPool, RunsWhatItAcceptedBeforeItEnds) {
  std::atomic<int> runs{0};
  {
    HandlerPool pool({.threads = 3, .max_admitted = 100});
    for (int count = 0; count < 50; ++count) EXPECT_TRUE(pool.submit([&] { ++runs; }));
  }
  EXPECT_EQ(runs, 50);
}

TEST(HandlerPool, RefusesMoreThanItMayHold) {
  std::promise<void> release;
  const std::shared_future<void> released(release.get_future());
  HandlerPool pool({.threads = 1, .max_admitted = 3});
  for (int count = 0; count < 3; ++count) EXPECT_TRUE(pool.submit([=] { released.wait(); }));
  EXPECT_FALSE(pool.submit([] {}));
  EXPECT_EQ(pool.admitted(), 3);
  release.set_value();
}

TEST(HandlerPool, RunsAsMuchAtOnceAsItHasThreads) {
  std::promise<void> first_runs;
  HandlerPool pool({.threads = 2, .max_admitted = 10});
  std::future<void> first_ran = first_runs.get_future();
  // The first waits for the second, which needs a thread of its own.
  EXPECT_TRUE(pool.submit([&] { first_ran.wait(); }));
  EXPECT_TRUE(pool.submit([&] { first_runs.set_value(); }));
  pool.stop();
  EXPECT_FALSE(pool.submit([] {}));
}

}  // namespace
}  // namespace pajamas::http
