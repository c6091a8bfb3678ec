// SPDX-License-Identifier: Apache-2.0
// Progress on standard error: one line that is rewritten on a terminal, a plain line now and then
// elsewhere, nothing with `quiet`. Accepts calls from many threads.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "base/progress.h"

namespace pajamas::cli {

enum class Verbosity { kNormal, kQuiet };

class ProgressPrinter final : public Progress {
 public:
  explicit ProgressPrinter(Verbosity verbosity);
  ~ProgressPrinter() override;

  void update(const ProgressUpdate& update) override;
  void warn(std::string_view message) override;

 private:
  void clear_line();

  const bool is_quiet_;
  const bool is_terminal_;
  std::mutex mutex_;  // guards everything below
  std::string stage_;
  std::chrono::steady_clock::time_point stage_start_;
  std::uint64_t stage_first_bytes_ = 0;
  std::chrono::steady_clock::time_point last_line_;
  bool has_line_ = false;
};

}  // namespace pajamas::cli
