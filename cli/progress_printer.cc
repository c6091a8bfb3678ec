// SPDX-License-Identifier: Apache-2.0
#include "progress_printer.h"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

#include "base/human_units.h"

namespace pajamas::cli {
namespace {

constexpr auto kPlainInterval = std::chrono::seconds(2);

std::string amount(std::uint64_t count, std::string_view unit) {
  return unit.empty() ? format_bytes(count) : fmt::format("{} {}", count, unit);
}

}  // namespace

ProgressPrinter::ProgressPrinter(Verbosity verbosity)
    : is_quiet_(verbosity == Verbosity::kQuiet), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressPrinter::~ProgressPrinter() {
  const std::lock_guard lock(mutex_);
  clear_line();
}

void ProgressPrinter::clear_line() {
  if (!has_line_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  has_line_ = false;
}

void ProgressPrinter::update(const ProgressUpdate& update) {
  if (is_quiet_) return;
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (update.stage != stage_) {
    stage_ = update.stage;
    stage_start_ = now;
    stage_first_bytes_ = update.done_bytes;
    last_line_ = now;
  }
  if (!is_terminal_) {
    if (now - last_line_ < kPlainInterval) return;
    last_line_ = now;
  }
  const double seconds = std::chrono::duration<double>(now - stage_start_).count();
  const auto moved = static_cast<double>(update.done_bytes - stage_first_bytes_);
  const double rate = seconds > 0 ? moved / seconds : 0;
  const double percent = update.total_bytes > 0 ? 100.0 * static_cast<double>(update.done_bytes) /
                                                      static_cast<double>(update.total_bytes)
                                                : 100.0;
  const std::string done =
      update.unit.empty() ? format_bytes(update.done_bytes) : fmt::to_string(update.done_bytes);
  std::string line = fmt::format("{:<8} {:5.1f} %  {} of {}", update.stage, percent, done,
                                 amount(update.total_bytes, update.unit));
  if (rate > 0) {
    const auto left = static_cast<double>(update.total_bytes - update.done_bytes);
    if (update.unit.empty()) {
      line += fmt::format("  {}/s", format_bytes(static_cast<std::uint64_t>(rate)));
    } else {
      line += fmt::format("  {:.1f}/s", rate);
    }
    line += fmt::format("  ETA {}", format_duration(left / rate));
  }
  line += fmt::format("  {}", update.item);
  if (is_terminal_) {
    // Cut to a usual width: a wrapped line could not be rewritten.
    fmt::print(stderr, "\r\033[K{}", line.substr(0, 100));
    has_line_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

void ProgressPrinter::warn(std::string_view message) {
  const std::lock_guard lock(mutex_);
  clear_line();
  fmt::print(stderr, "warning: {}\n", message);
}

}  // namespace pajamas::cli
