// SPDX-License-Identifier: Apache-2.0
#include "http/handler_pool.h"

#include <utility>

namespace pajamas::http {

HandlerPool::HandlerPool(const HandlerPoolOptions& options) : options_(options) {}

HandlerPool::~HandlerPool() { stop(); }

void HandlerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

bool HandlerPool::submit(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || admitted_ >= options_.max_admitted) return false;
  ++admitted_;
  waiting_.push_back(std::move(work));
  const bool all_busy = static_cast<std::size_t>(idle_) < waiting_.size();
  if (all_busy && threads_.size() < static_cast<std::size_t>(options_.threads)) {
    threads_.emplace_back([this] { run(); });
  }
  wake_.notify_one();
  return true;
}

int HandlerPool::admitted() const {
  const std::lock_guard lock(mutex_);
  return admitted_;
}

void HandlerPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds ends before it stops counting
    lock.lock();
    --admitted_;
  }
}

}  // namespace pajamas::http
