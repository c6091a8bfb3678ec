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
// tools that were not offered are text too. Once the name is known the arguments are passed on as
// they come; a call that has them before its name is passed on when it is complete. One choice, one
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/answer_part.h"
#include "serve/tools/call_scanner.h"

namespace pajamas {

class ToolCallParser {
 public:
  using Parts = std::vector<AnswerPart>;

  // `tools` as read_tools gives them; null: everything is text.
  explicit ToolCallParser(const Json& tools);

  Parts push(std::string_view text);
  Parts finish();

  [[nodiscard]] std::size_t calls() const { return call_count_; }

 private:
  enum class State : std::uint8_t {
    kStart,  // nothing but white space so far
    kText,
    kCall,       // where a call may begin; what is held was not passed on
    kArguments,  // of a call that was passed on
    kTail,       // behind them, inside the object of the call
    kBetween,    // behind a call
  };
  // What surrounds calls.
  enum class Style : std::uint8_t {
    kTagged,  // <tool_call>
    kListed,  // behind [TOOL_CALLS] or <|python_tag|>, to the end
    kWhole,   // the answer began with '{', '[' or a fence
  };

  [[nodiscard]] bool step(Parts& parts);
  void read_start();
  void read_text(Parts& parts);
  void read_call(Parts& parts);
  void read_whole_call(Parts& parts);
  void read_arguments(Parts& parts);
  void read_tail();
  void read_between();
  [[nodiscard]] bool read_calls(std::string_view text, Parts& parts);
  [[nodiscard]] bool add_call(const Json& call, Parts& parts);
  void begin_call(std::string tool, Parts& parts);
  [[nodiscard]] bool is_offered(std::string_view name) const;
  void say(Parts& parts, std::string_view text);

  std::vector<std::string> names_;
  State state_ = State::kStart;
  Style style_ = Style::kWhole;
  std::string held_;
  std::string opening_;  // what was taken before held_ and is text when no call follows
  bool is_wrapped_ = false;
  ObjectScanner scanner_;
  std::size_t call_count_ = 0;
  bool is_behind_call_ = false;  // nothing was said since
};

}  // namespace pajamas
