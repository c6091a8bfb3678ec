// SPDX-License-Identifier: Apache-2.0
// The bodies of /v1/chat/completions and /v1/completions, checked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sampling/grammar/grammar.h"
#include "serve/api/sampling_fields.h"
#include "serve/thinking/thought_splitter.h"

namespace pajamas {

struct StreamFields {
  bool stream = false;
  bool include_usage = false;
};

enum class ToolUse : std::uint8_t { kNone, kAuto, kRequired };

struct ChatRequest {
  Json messages;  // as templates want them
  Json tools;     // null: none
  ToolUse tool_use = ToolUse::kNone;
  std::string forced_tool;  // kRequired: the one to call; empty: any
  bool parallel_tool_calls = true;
  Json template_variables = Json::object();
  bool logprobs = false;
  SamplingFields sampling;
  // Shared by the choices of the request.
  std::shared_ptr<const Grammar> grammar;
  StreamFields stream;
  std::optional<ReasoningFormat> reasoning_format;  // of this request alone
};

struct CompletionRequest {
  // Each is a text or the tokens of one.
  std::vector<std::variant<std::string, std::vector<std::int32_t>>> prompts;
  bool echo = false;
  bool logprobs = false;
  SamplingFields sampling;
  // Shared by the choices of the request.
  std::shared_ptr<const Grammar> grammar;
  StreamFields stream;
};

ApiResult<ChatRequest> read_chat_request(const Json& body, const ServedModelInfo& info);
ApiResult<CompletionRequest> read_completion_request(const Json& body, const ServedModelInfo& info);

// A string, a list of strings, a list of token ids, or a list of such lists.
ApiResult<std::vector<std::variant<std::string, std::vector<std::int32_t>>>> read_prompts(
    const Json& body, std::string_view key, const ServedModelInfo& info);

}  // namespace pajamas
