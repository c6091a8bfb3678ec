// SPDX-License-Identifier: Apache-2.0
// The threads on which handlers of one lane run, started as they are needed, with a bound on how
// much work may wait.
//
// submit() may be called from any thread. Work that was accepted runs, in order of arrival; the
// destructor waits for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pajamas::http {

struct HandlerPoolOptions {
  int threads = 4;
  int max_admitted = 64;  // running and waiting together
};

class HandlerPool {
 public:
  explicit HandlerPool(const HandlerPoolOptions& options);
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;
  ~HandlerPool();

  // False when as much is admitted as may be.
  [[nodiscard]] bool submit(std::function<void()> work);

  [[nodiscard]] int admitted() const;

  // Accepts no more and returns when what was accepted has run. Any thread but the pool's.
  void stop();

 private:
  void run();

  HandlerPoolOptions options_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  int admitted_ = 0;
  int idle_ = 0;
  bool stopping_ = false;
};

}  // namespace pajamas::http
