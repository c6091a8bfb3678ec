// SPDX-License-Identifier: Apache-2.0
// Messages that a person types: one line each, or several that belong together.
//
// Lines between two lines of """, lines that end in a backslash, and lines that arrive at once (a
// paste) make one message. Reads standard input; one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pajamas::cli {

class LineReader {
 public:
  enum class End { kNone, kEndOfInput, kInterrupted };

  // Shows `prompt` when someone types. Nothing at the end of the input or when interrupted().
  std::optional<std::string> read_message(std::string_view prompt);
  // Why the last call gave nothing.
  [[nodiscard]] End end() const { return end_; }

 private:
  std::optional<std::string> read_line();
  bool has_more_now() const;

  std::string buffer_;  // read but not given out
  bool at_end_ = false;
  End end_ = End::kNone;
};

}  // namespace pajamas::cli
