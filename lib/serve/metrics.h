// SPDX-License-Identifier: Apache-2.0
// Counters of the service in the text format of Prometheus. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace pajamas {

// Sums in nanoseconds: atomics of floating point have no fetch_add everywhere.
struct Metrics {
  std::atomic<std::uint64_t> requests{0};  // that generated something
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> prompt_tokens{0};
  std::atomic<std::uint64_t> cached_tokens{0};
  std::atomic<std::uint64_t> completion_tokens{0};
  std::atomic<std::uint64_t> first_token_ns{0};  // waits for the first token, added up
  std::atomic<std::uint64_t> generation_ns{0};   // from the first token to the last, added up
  std::atomic<std::int64_t> running{0};          // requests that generate now

  [[nodiscard]] std::string to_prometheus() const;
};

}  // namespace pajamas
