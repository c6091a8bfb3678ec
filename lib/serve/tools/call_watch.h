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
  struct Begun {
    std::string json{};  // from its '{' to what was said last
    std::string tool{};  // of f[ARGS]{...}, whose JSON is the arguments alone; else ""
  };
  // A call, once its JSON has begun.
  std::optional<Begun> push(std::string_view bytes);

  // The call that was begun is complete. Another may follow.
  void end_call();

 private:
  enum class State : std::uint8_t {
    kStart,  // the answer may itself be a call
    kText,
    kOpened,  // behind a tag: '{' begins a call
    kNamed,   // behind [TOOL_CALLS], in the name of a tool
  };
  std::optional<Begun> read_start();
  std::optional<Begun> read_opened();
  std::optional<Begun> read_named();

  State state_ = State::kStart;
  bool may_be_named_ = false;
  std::string seen_;  // not yet decided; in kText the end of the text
};

}  // namespace pajamas
