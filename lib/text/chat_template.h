// SPDX-License-Identifier: Apache-2.0
// A model's chat template: messages in, the text of the prompt out, byte for byte as the
// transformers library renders it. docs/chat_templates.md says what is supported.
//
// The template is hostile input: it runs in an interpreter of our own that reaches nothing outside
// of the values it is given, and every rendering has limits. A PromptTemplate is immutable; many
// threads may render from one. Errors name the line of the template; kInvalidArgument means that
// the template itself refuses the input (raise_exception), with its message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "text/jinja/budget.h"

namespace pajamas {

namespace jinja {
struct Program;
}

struct ChatInput {
  Json messages = Json::array();
  Json tools;      // null: none
  Json documents;  // null: none
  bool add_generation_prompt = false;
  // Further variables by name: bos_token, eos_token, enable_thinking, ...
  Json extra = Json::object();
  std::optional<std::int64_t> now_s;  // what strftime_now sees, since 1970; absent: the clock
};

class PromptTemplate {
 public:
  static Result<PromptTemplate> compile(std::string_view text);

  [[nodiscard]] Result<std::string> render(const ChatInput& input) const;
  [[nodiscard]] Result<std::string> render(const ChatInput& input,
                                           const jinja::Limits& limits) const;

 private:
  explicit PromptTemplate(std::shared_ptr<const jinja::Program> program)
      : program_(std::move(program)) {}

  std::shared_ptr<const jinja::Program> program_;  // shared by copies of the template
};

}  // namespace pajamas
