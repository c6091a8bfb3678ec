// SPDX-License-Identifier: Apache-2.0
// Messages that a person types: one line each, or several that belong together.
//
// Lines between two lines of """, lines that end in a backslash, and lines that arrive at once (a
// paste) make one message. Reads standard input; one thread, but interrupt() is for any, and for
// signal handlers.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace pajamas::cli {

class LineReader {
 public:
  enum class End { kNone, kEndOfInput, kInterrupted };

  LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  // Shows `prompt` when someone types. Nothing at the end of the input or when interrupted().
  std::optional<std::string> read_message(std::string_view prompt);
  // Why the last call gave nothing.
  [[nodiscard]] End end() const { return end_; }
  // Ends the message that is being read, or else the next.
  void interrupt() const;

 private:
  std::optional<std::string> read_line();
  bool wait_for_input();
  bool has_more_now() const;

  std::string buffer_;  // read but not given out
  bool at_end_ = false;
  End end_ = End::kNone;
  // A pipe to wait for beside the input: a signal alone is lost when it comes just before a read.
  std::array<int, 2> interrupts_{-1, -1};
};

}  // namespace pajamas::cli
