// SPDX-License-Identifier: Apache-2.0
// What the service counts, per model, in the text format of Prometheus. Thread-safe.
//
// Counters and histograms live here; gauges (what runs and waits now, how full the cache is) are
// asked of the models when the page is made.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "serve/model_library.h"

namespace pajamas {

// How often something took how long.
class SecondsHistogram {
 public:
  // Upper bounds; one more bucket has no bound.
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                         0.5,   1.0,    2.5,   5.0,  10.0,  25.0, 50.0, 100.0};

  void add(double seconds);

  struct Values {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  // per bucket, not added up
    double sum = 0.0;
  };
  [[nodiscard]] Values values() const;

 private:
  mutable std::mutex mutex_;  // guards the values, which have to fit each other
  Values values_;
};

struct ModelMetrics {
  std::atomic<std::uint64_t> requests{0};  // that generate text
  std::atomic<std::uint64_t> prompt_tokens{0};
  std::atomic<std::uint64_t> cached_tokens{0};
  std::atomic<std::uint64_t> completion_tokens{0};
  SecondsHistogram first_token_seconds;
  SecondsHistogram token_seconds;  // from one token to the next, the mean of a request
  SecondsHistogram request_seconds;

  // Why answers end.
  static constexpr std::array<std::string_view, 6> kReasons = {"stop",    "length",    "tool_calls",
                                                               "refused", "cancelled", "error"};
  std::array<std::atomic<std::uint64_t>, kReasons.size()> ends{};  // in that order
  void note_end(std::string_view reason);
};

class Metrics {
 public:
  // Lives as long as this object.
  ModelMetrics& of(std::string_view model);

  [[nodiscard]] std::string to_prometheus(std::span<const ModelLibrary::Entry> models) const;

 private:
  mutable std::mutex mutex_;  // guards the map, not what it points to
  std::map<std::string, std::unique_ptr<ModelMetrics>, std::less<>> models_;
};

}  // namespace pajamas
