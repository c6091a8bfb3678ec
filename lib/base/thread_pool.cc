// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>

namespace pajamas {

int usable_cpu_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

ThreadPool::ThreadPool(int thread_count) {
  const int wanted = thread_count > 0 ? thread_count : usable_cpu_count();
  for (int thread = 1; thread < wanted; ++thread) {
    workers_.emplace_back([this, thread] { work(thread); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

Status ThreadPool::run(std::int64_t count, const std::function<Status(std::int64_t, int)>& job) {
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
    next_ = 0;
    count_ = count;
    failed_index_ = -1;
    ++generation_;
  }
  wake_.notify_all();
  drain(0);
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return active_ == 0; });
  job_ = nullptr;
  if (failed_index_ >= 0) return std::unexpected(error_);
  return {};
}

void ThreadPool::work(int thread) {
  std::uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || (generation_ != seen && job_ != nullptr); });
      if (stopping_) return;
      seen = generation_;
    }
    drain(thread);
  }
}

void ThreadPool::drain(int thread) {
  std::unique_lock lock(mutex_);
  if (job_ == nullptr) return;
  ++active_;
  while (next_ < count_ && failed_index_ < 0) {
    const std::int64_t index = next_++;
    const auto* job = job_;
    lock.unlock();
    Status status = (*job)(index, thread);
    lock.lock();
    if (!status && (failed_index_ < 0 || index < failed_index_)) {
      failed_index_ = index;
      error_ = std::move(status).error();
    }
  }
  if (--active_ == 0) finished_.notify_all();
}

}  // namespace pajamas
