// SPDX-License-Identifier: Apache-2.0
#include "runtime/machine_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/memory_pages.h"
#include "base/thread_pool.h"
#include "kernels/peak_loops.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kBytesPerThread = std::uint64_t{256} << 20;  // far beyond any cache
constexpr int kRounds = 5;

}  // namespace

Result<MachineLimits> measure_machine_limits(int threads) {
  using Clock = std::chrono::steady_clock;
  ThreadPool pool(threads);
  const auto count = static_cast<std::uint64_t>(pool.thread_count());
  const MemoryPages pages = PJ_TRY(MemoryPages::allocate(count * kBytesPerThread));
  std::ranges::fill(pages.bytes(), std::byte{1});  // pages that were never written are all the same
  double least_seconds = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const Clock::time_point start = Clock::now();
    PJ_TRY(pool.run(pool.thread_count(), [&](std::int64_t part, int) -> Status {
      read_all(pages.data() + static_cast<std::uint64_t>(part) * kBytesPerThread, kBytesPerThread);
      return {};
    }));
    least_seconds =
        std::min(least_seconds, std::chrono::duration<double>(Clock::now() - start).count());
  }
  MachineLimits limits;
  limits.read_gb_per_second = 1e-9 * static_cast<double>(count * kBytesPerThread) / least_seconds;
  std::vector<double> ops(count);
  PJ_TRY(pool.run(pool.thread_count(), [&](std::int64_t part, int) -> Status {
    ops[static_cast<std::size_t>(part)] = measure_int8_ops();
    return {};
  }));
  for (const double each : ops) limits.int8_gops += 1e-9 * each;
  return limits;
}

}  // namespace pajamas
