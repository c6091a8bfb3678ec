// SPDX-License-Identifier: Apache-2.0
// A flag that asks long work to stop. Cheap to poll from any thread, safe to set from a signal
// handler. The owner outlives the work that polls it.
#pragma once

#include <atomic>

#include "base/error.h"

namespace pajamas {

class CancelToken {
 public:
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  [[nodiscard]] Status check() const {
    if (is_cancelled()) return make_error(ErrorCode::kCancelled, "cancelled");
    return {};
  }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace pajamas
