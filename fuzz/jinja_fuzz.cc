// SPDX-License-Identifier: Apache-2.0
// Any bytes as a chat template, rendered with a fixed conversation. Small limits keep each run
// short; an input that takes long all the same is a finding.
#include "text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::ChatInput input = {
      .messages = pajamas::Json::parse(
          R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße"},
              {"role": "assistant", "content": null, "tool_calls": [{"id": "abcdef123",
               "type": "function", "function": {"name": "f", "arguments": {"x": [1, 2.5, true]}}}]},
              {"role": "tool", "content": [{"type": "text", "text": "21"}]}])"),
      .tools = pajamas::Json::parse(
          R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters":
              {"type": "object", "properties": {"x": {"type": "array"}}, "required": ["x"]}}}])"),
      .add_generation_prompt = true,
      .extra = pajamas::Json::parse(R"({"bos_token": "<s>", "eos_token": "</s>"})"),
      .now_s = 1'793'000'000,
  };
  const std::string text(data, data + bytes);
  const auto compiled = pajamas::PromptTemplate::compile(text);
  if (compiled) {
    static_cast<void>(compiled->render(
        input, {.max_steps = 20'000, .max_made_bytes = 1 << 20, .max_output_bytes = 1 << 18}));
  }
  return 0;
}
