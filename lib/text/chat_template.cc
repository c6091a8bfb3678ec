// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template.h"

#include <algorithm>

#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"

namespace pajamas {
namespace {

constexpr std::string_view kWhere = "chat template";

// Bytes of text in the input: what a rendering may cost grows with them.
std::uint64_t text_bytes(const Json& json) {
  if (json.is_string()) return json.get_ref<const std::string&>().size();
  std::uint64_t bytes = 8;
  if (json.is_structured()) {
    for (const Json& member : json) bytes += text_bytes(member);
  }
  return bytes;
}

jinja::Limits limits_for(const ChatInput& input) {
  // A template visits each message a few times and copies its text a few times more.
  constexpr std::uint64_t kStepsPerByte = 8, kMadeBytesPerByte = 32, kOutputBytesPerByte = 4;
  const std::uint64_t bytes = text_bytes(input.messages) + text_bytes(input.tools) +
                              text_bytes(input.documents) + text_bytes(input.extra);
  jinja::Limits limits;
  limits.max_steps += kStepsPerByte * bytes;
  limits.max_made_bytes += kMadeBytesPerByte * bytes;
  limits.max_output_bytes += kOutputBytesPerByte * bytes;
  return limits;
}

Status set_inputs(const jinja::Program& program, const ChatInput& input, jinja::Runtime& runtime,
                  jinja::Interpreter& interpreter) {
  const Json generation(input.add_generation_prompt);
  const std::pair<std::string_view, const Json*> named[] = {
      {"messages", &input.messages},
      {"tools", &input.tools},
      {"documents", &input.documents},
      {"add_generation_prompt", &generation},
  };
  // A variable that the template does not mention costs nothing.
  const auto set = [&](std::string_view name, const Json& json) -> Status {
    const auto found = std::ranges::find(program.symbols, name);
    if (found == program.symbols.end()) return {};
    interpreter.set_global(static_cast<int>(found - program.symbols.begin()),
                           PJ_TRY(jinja::value_from_json(runtime.budget, json)));
    return {};
  };
  for (const auto& [name, json] : named) {
    if (!input.extra.contains(name)) PJ_TRY(set(name, *json));
  }
  for (const auto& [name, json] : input.extra.get_ref<const Json::object_t&>()) {
    PJ_TRY(set(name, json));
  }
  return {};
}

}  // namespace

Result<PromptTemplate> PromptTemplate::compile(std::string_view text) {
  Result<jinja::Program> program = jinja::parse(text);
  if (!program) return std::unexpected(program.error().with_context(kWhere));
  return PromptTemplate(std::make_shared<const jinja::Program>(std::move(*program)));
}

Result<std::string> PromptTemplate::render(const ChatInput& input) const {
  return render(input, limits_for(input));
}

Result<std::string> PromptTemplate::render(const ChatInput& input,
                                           const jinja::Limits& limits) const {
  if (!input.extra.is_object()) {
    return make_error(ErrorCode::kInvalidArgument, "{}: the extra variables are no object", kWhere);
  }
  jinja::Runtime runtime(limits);
  runtime.now_s = input.now_s;
  jinja::Interpreter interpreter(*program_, runtime);
  const Status ready = set_inputs(*program_, input, runtime, interpreter);
  if (!ready) return std::unexpected(ready.error().with_context(kWhere));
  Result<std::string> text = interpreter.render();
  if (!text) return std::unexpected(text.error().with_context(kWhere));
  return text;
}

}  // namespace pajamas
