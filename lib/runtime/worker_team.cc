// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker_team.h"

#include <sched.h>

#include "base/platform.h"
#include "base/thread_pool.h"

namespace pajamas {
namespace {

// A pause takes 20 to 50 ns, so workers stay awake for about a millisecond: longer than choosing
// and printing a token takes.
constexpr int kSpins = 30000;
constexpr int kSpinsWhenCrowded = 50;
// Whoever spins gives the CPU away now and then: the thread it waits for may need it.
constexpr int kSpinsPerYield = 512;

void pause_or_yield(int spin) {
  if (spin % kSpinsPerYield == kSpinsPerYield - 1) {
    ::sched_yield();
  } else {
    cpu_pause();
  }
}

}  // namespace

WorkerTeam::WorkerTeam(int thread_count) {
  const int cpus = usable_cpu_count();
  const int wanted = thread_count > 0 ? thread_count : cpus;
  spins_ = wanted <= cpus ? kSpins : kSpinsWhenCrowded;
  for (int thread = 1; thread < wanted; ++thread) {
    workers_.emplace_back([this, thread] { work(thread); });
  }
}

WorkerTeam::~WorkerTeam() {
  stopping_.store(true, std::memory_order_relaxed);
  step_.fetch_add(1, std::memory_order_release);
  step_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerTeam::dispatch(std::int64_t count, void* context, Call call) {
  count_ = count;
  context_ = context;
  call_ = call;
  next_.store(0, std::memory_order_relaxed);
  finished_.store(0, std::memory_order_relaxed);
  step_.fetch_add(1, std::memory_order_release);
  step_.notify_all();
  drain(0);
  const int workers = static_cast<int>(workers_.size());
  for (int spin = 0; finished_.load(std::memory_order_acquire) != workers; ++spin) {
    pause_or_yield(spin & 0xffff);
  }
}

void WorkerTeam::drain(int thread) {
  while (true) {
    const std::int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count_) return;
    call_(context_, index, thread);
  }
}

std::uint32_t WorkerTeam::wait_for_step(std::uint32_t seen) const {
  for (int spin = 0; spin < spins_; ++spin) {
    const std::uint32_t step = step_.load(std::memory_order_acquire);
    if (step != seen) return step;
    pause_or_yield(spin);
  }
  step_.wait(seen, std::memory_order_acquire);
  return step_.load(std::memory_order_acquire);
}

void WorkerTeam::work(int thread) {
  std::uint32_t seen = 0;
  while (true) {
    seen = wait_for_step(seen);
    if (stopping_.load(std::memory_order_relaxed)) return;
    drain(thread);
    finished_.fetch_add(1, std::memory_order_release);
  }
}

}  // namespace pajamas
