// SPDX-License-Identifier: Apache-2.0
// Finds calls of tools in what a model says, in the ways that models are trained to write them:
//
//   <tool_call>{"name": ..., "arguments": {...}}</tool_call>     Hermes, Qwen
//   [TOOL_CALLS][{"name": ..., "arguments": {...}}, ...]         Mistral; also
//   [TOOL_CALLS]f[ARGS]{...}
//   <|python_tag|>{"name": ..., "parameters": {...}}             Llama 3
//   {"name": ..., "parameters": {...}}                           as the whole answer; fenced or not
//
// What could be the beginning of a call is held back; what turns out to be none is text. Calls of
// tools that were not offered are text too. One choice, one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/api/answer_json.h"

namespace pajamas {

class ToolCallParser {
 public:
  // `tools` as read_tools gives them; null: everything is text.
  explicit ToolCallParser(const Json& tools);

  struct Output {
    std::string text{};
    std::vector<ToolCall> calls{};
  };
  Output push(std::string_view text);
  Output finish();

  [[nodiscard]] std::size_t calls() const { return call_count_; }

 private:
  enum class State : std::uint8_t {
    kStart,  // nothing but white space so far
    kText,
    kTagged,  // behind <tool_call>
    kListed,  // behind [TOOL_CALLS] or <|python_tag|>, to the end
    kWhole,   // the answer began with '{' or a fence
  };
  void read_start();
  void read_text(Output& output);
  void read_tagged(Output& output);
  void drop_space_between_calls(Output& output) const;
  [[nodiscard]] bool read_calls(std::string_view text, Output& output);
  [[nodiscard]] bool add_call(const Json& call, Output& output);
  [[nodiscard]] bool is_offered(std::string_view name) const;

  std::vector<std::string> names_;
  State state_ = State::kStart;
  std::string held_;
  std::string opening_;  // the tag or white space that was taken before held_
  std::size_t call_count_ = 0;
};

}  // namespace pajamas
