// SPDX-License-Identifier: Apache-2.0
// Runs one indexed job list on a fixed number of threads.
//
// The pool owns its threads from construction to destruction. run() may be called from one thread
// at a time; the caller works too, so ThreadPool(1) starts no thread at all.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"

namespace pajamas {

class ThreadPool {
 public:
  // thread_count 0: one per CPU this process may use.
  explicit ThreadPool(int thread_count);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int thread_count() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls job(index, thread) for every index below `count`, in ascending order of start, each once;
  // thread is in [0, thread_count()). After a failure no further index starts, and the error of
  // the lowest failed index is returned.
  Status run(std::int64_t count, const std::function<Status(std::int64_t index, int thread)>& job);

 private:
  void work(int thread);
  void drain(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::condition_variable finished_;
  const std::function<Status(std::int64_t, int)>* job_ = nullptr;
  std::int64_t next_ = 0;
  std::int64_t count_ = 0;
  int active_ = 0;
  std::int64_t failed_index_ = -1;
  Error error_;
  std::uint64_t generation_ = 0;
  bool stopping_ = false;
};

// CPUs this process may run on (its affinity mask), at least 1.
int usable_cpu_count();

}  // namespace pajamas
