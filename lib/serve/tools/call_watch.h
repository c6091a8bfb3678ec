// SPDX-License-Identifier: Apache-2.0
// Notices, while a model speaks freely, that it begins to call a tool, so that a grammar can hold
// the call to the tool's schema.
//
// Knows the openings of ToolCallParser. Sees all bytes of the answer, those of control tokens too.
// One answer, one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pajamas {

class CallWatch {
 public:
  // The beginning of a call's JSON, from its '{', once it has begun.
  std::optional<std::string> push(std::string_view bytes);

  // The call that was begun is complete. Another may follow.
  void end_call();

 private:
  enum class State : std::uint8_t {
    kStart,  // the answer may itself be a call
    kText,
    kOpened,  // behind a tag: '{' begins a call
  };
  std::optional<std::string> read_start();
  std::optional<std::string> read_opened();

  State state_ = State::kStart;
  std::string seen_;  // not yet decided; in kText the end of the text
};

}  // namespace pajamas
