// SPDX-License-Identifier: Apache-2.0
#include "runtime/machine_limits.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "kernels/peak_loops.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kBytesPerThread = std::uint64_t{256} << 20;  // far beyond any cache

}  // namespace

Result<double> measure_int8_peak(int threads) {
  ThreadPool pool(threads);
  std::vector<double> ops(static_cast<std::size_t>(pool.thread_count()));
  PJ_TRY(pool.run(pool.thread_count(), [&](std::int64_t part, int) -> Status {
    ops[static_cast<std::size_t>(part)] = measure_int8_ops();
    return {};
  }));
  double sum = 0;
  for (const double each : ops) sum += each;
  return sum;
}

Result<ReadLoop> ReadLoop::create(int threads) {
  auto pool = std::make_unique<ThreadPool>(threads);
  const auto count = static_cast<std::uint64_t>(pool->thread_count());
  MemoryPages pages = PJ_TRY(MemoryPages::allocate(count * kBytesPerThread));
  std::ranges::fill(pages.bytes(), std::byte{1});  // pages that were never written are all the same
  return ReadLoop(std::move(pool), std::move(pages));
}

Status ReadLoop::pass() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  PJ_TRY(pool_->run(pool_->thread_count(), [&](std::int64_t part, int) -> Status {
    read_all(pages_.data() + static_cast<std::uint64_t>(part) * kBytesPerThread, kBytesPerThread);
    return {};
  }));
  seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
  bytes_ += pages_.bytes().size();
  return {};
}

double ReadLoop::bytes_per_second() const {
  return seconds_ > 0 ? static_cast<double>(bytes_) / seconds_ : 0.0;
}

}  // namespace pajamas
