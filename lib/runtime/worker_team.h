// SPDX-License-Identifier: Apache-2.0
// Threads that start on an operation within a microsecond, for work that comes in hundreds of small
// steps per token.
//
// Workers wait for the next step by spinning for a while before they sleep, so a forward pass pays
// for a wake-up once and not at every operation; base/ThreadPool is for coarse jobs that may fail.
// run() is called from one thread at a time; that thread works too.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace pajamas {

class WorkerTeam {
 public:
  // thread_count 0: one per CPU this process may use.
  explicit WorkerTeam(int thread_count);
  WorkerTeam(const WorkerTeam&) = delete;
  WorkerTeam& operator=(const WorkerTeam&) = delete;
  ~WorkerTeam();

  [[nodiscard]] int thread_count() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(index, thread) once for every index below `count`, on any thread, and returns when
  // all are done. thread is in [0, thread_count()). A single index runs on the caller at once.
  template <typename Task>
  void run(std::int64_t count, Task&& task) {
    if (count == 1 || workers_.empty()) {
      for (std::int64_t index = 0; index < count; ++index) task(index, 0);
    } else if (count > 0) {
      using Plain = std::remove_reference_t<Task>;
      dispatch(count, const_cast<void*>(static_cast<const void*>(std::addressof(task))),
               [](void* context, std::int64_t index, int thread) {
                 (*static_cast<Plain*>(context))(index, thread);
               });
    }
  }

 private:
  using Call = void (*)(void* context, std::int64_t index, int thread);

  void dispatch(std::int64_t count, void* context, Call call);
  void work(int thread);
  void drain(int thread);
  std::uint32_t wait_for_step(std::uint32_t seen) const;

  // The step, written before step_ is raised and not touched until every worker has finished it.
  std::int64_t count_ = 0;
  void* context_ = nullptr;
  Call call_ = nullptr;

  alignas(64) std::atomic<std::uint32_t> step_{0};
  alignas(64) std::atomic<std::int64_t> next_{0};
  alignas(64) std::atomic<int> finished_{0};
  std::atomic<bool> stopping_{false};
  int spins_ = 0;  // before a worker sleeps; few when there are more threads than CPUs
  std::vector<std::thread> workers_;
};

}  // namespace pajamas
