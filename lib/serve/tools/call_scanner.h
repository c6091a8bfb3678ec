// SPDX-License-Identifier: Apache-2.0
// Reads the JSON of one call while it comes, so that its arguments can be passed on before they are
// complete.
//
// Knows the order in which models write a call: {"name": "f", "arguments": {...}} (or
// "parameters"), and f[ARGS]{...}. A call in another order is no error; it just cannot be passed on
// in pieces. Holds no text. One call, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pajamas {

// What stands before the arguments of a call.
struct CallHead {
  enum class Match : std::uint8_t { kNo, kPerhaps, kYes } match = Match::kNo;
  std::string tool{};
  std::size_t bytes = 0;    // up to the '{' of the arguments
  bool is_wrapped = false;  // inside an object that has to be closed behind the arguments
};

// `text` begins where a call may begin. kPerhaps: more text decides.
CallHead match_call_head(std::string_view text);

// Follows JSON to the end of the object that it begins with or is in.
class ObjectScanner {
 public:
  // `depth`: of objects that are open already.
  explicit ObjectScanner(std::size_t depth = 0) : depth_(depth) {}

  // How many bytes of `text` belong to the object; all of them while it is not complete. White
  // space between tokens is left out of what is appended to `compact`.
  std::size_t push(std::string_view text, std::string& compact);
  [[nodiscard]] bool is_complete() const { return is_complete_; }

 private:
  std::size_t depth_;
  bool in_string_ = false;
  bool is_escaped_ = false;
  bool is_complete_ = false;
};

}  // namespace pajamas
