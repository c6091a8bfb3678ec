// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, measured: the yardsticks of `benchmark`.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/memory_pages.h"
#include "base/thread_pool.h"

namespace pajamas {

// Operations per second (two per product) of nothing but int8 dot products, on as many threads as
// given, all at once; takes about a second.
Result<double> measure_int8_peak(int threads);

// A plain loop that reads memory far larger than the caches, in huge pages where the system gives
// them. It is measured in passes, so that they can alternate with the work they are compared with:
// the bandwidth of a shared machine changes from second to second.
class ReadLoop {
 public:
  // 256 MiB per thread.
  static Result<ReadLoop> create(int threads);

  // Reads everything once, on all threads.
  Status pass();

  // Of all passes so far; 0 before the first.
  [[nodiscard]] double bytes_per_second() const;

 private:
  ReadLoop(std::unique_ptr<ThreadPool> pool, MemoryPages pages)
      : pool_(std::move(pool)), pages_(std::move(pages)) {}

  std::unique_ptr<ThreadPool> pool_;
  MemoryPages pages_;
  std::uint64_t bytes_ = 0;
  double seconds_ = 0;
};

}  // namespace pajamas
