// SPDX-License-Identifier: Apache-2.0
#include "serve/api/chat_request.h"

#include <algorithm>

#include "serve/api/answer_format.h"
#include "serve/api/chat_messages.h"

namespace pajamas {
namespace {

constexpr std::size_t kMaxPrompts = 2048;           // as the OpenAI API has it
constexpr std::int64_t kMaxCompletionLogprobs = 5;  // of the older endpoint

ApiResult<StreamFields> read_stream(const RequestFields& fields) {
  StreamFields result;
  result.stream = PJ_TRY(fields.boolean("stream")).value_or(false);
  if (const Json* options = fields.find("stream_options")) {
    if (!result.stream) {
      return bad_request("stream_options", "'stream_options' is for requests with 'stream': true");
    }
    const RequestFields members(*options, "stream_options.");
    result.include_usage = PJ_TRY(members.boolean("include_usage")).value_or(false);
  }
  return result;
}

ApiResult<void> read_tool_choice(const RequestFields& fields, ChatRequest& request) {
  request.tools = PJ_TRY(read_tools(fields.find("tools")));
  request.parallel_tool_calls = PJ_TRY(fields.boolean("parallel_tool_calls")).value_or(true);
  const Json* choice = fields.find("tool_choice");
  if (request.tools.is_null()) {
    if (choice != nullptr && *choice != "none" && *choice != "auto") {
      return bad_request("tool_choice", "'tool_choice' wants 'tools', and there are none");
    }
    return {};
  }
  request.tool_use = ToolUse::kAuto;
  if (choice == nullptr || *choice == "auto") return {};
  if (*choice == "none") {
    request.tool_use = ToolUse::kNone;
    return {};
  }
  request.tool_use = ToolUse::kRequired;
  if (*choice == "required") return {};
  const Json* function = find_member(*choice, "function");
  const Json* name = function != nullptr ? find_member(*function, "name") : nullptr;
  if (name == nullptr || !name->is_string()) {
    return bad_request("tool_choice",
                       "'tool_choice' must be none, auto, required or "
                       "{{\"type\": \"function\", \"function\": {{\"name\": ...}}}}");
  }
  request.forced_tool = name->get<std::string>();
  const bool is_known = std::ranges::any_of(request.tools, [&](const Json& tool) {
    return tool["function"]["name"] == request.forced_tool;
  });
  if (!is_known) {
    return bad_request("tool_choice", "'tool_choice' names '{}', which is not among 'tools'",
                       request.forced_tool);
  }
  return {};
}

ApiResult<std::vector<std::int32_t>> read_token_ids(const Json& list, const std::string& name,
                                                    const ServedModelInfo& info) {
  std::vector<std::int32_t> ids;
  for (const Json& item : list) {
    const bool is_id =
        item.is_number_integer() && item.get<double>() >= 0 && item.get<double>() < info.vocab_size;
    if (!is_id) {
      return bad_request(name, "'{}' has {}, which is no token id; expected 0 to {}", name,
                         http::dump_json(item), info.vocab_size - 1);
    }
    ids.push_back(item.get<std::int32_t>());
  }
  return ids;
}

}  // namespace

ApiResult<std::vector<std::variant<std::string, std::vector<std::int32_t>>>> read_prompts(
    const Json& body, std::string_view key, const ServedModelInfo& info) {
  std::vector<std::variant<std::string, std::vector<std::int32_t>>> prompts;
  const std::string name(key);
  const Json* value = find_member(body, key);
  if (value == nullptr) return bad_request(key, "'{}' is missing", key);
  if (value->is_string()) {
    prompts.emplace_back(value->get<std::string>());
    return prompts;
  }
  if (!value->is_array() || value->empty()) {
    return bad_request(key, "'{}' must be a string, a list of strings or lists of token ids", key);
  }
  if (value->front().is_number()) {
    prompts.emplace_back(PJ_TRY(read_token_ids(*value, name, info)));
    return prompts;
  }
  if (value->size() > kMaxPrompts) {
    return bad_request(key, "'{}' has {} entries, at most {} are allowed", key, value->size(),
                       kMaxPrompts);
  }
  for (const Json& item : *value) {
    if (item.is_string()) {
      prompts.emplace_back(item.get<std::string>());
    } else if (item.is_array()) {
      prompts.emplace_back(PJ_TRY(read_token_ids(item, name, info)));
    } else {
      return bad_request(key, "'{}' has a {} in its list, expected strings or lists of token ids",
                         key, item.type_name());
    }
  }
  return prompts;
}

ApiResult<ChatRequest> read_chat_request(const Json& body, const ServedModelInfo& info) {
  const RequestFields fields(body);
  ChatRequest request;
  request.messages = PJ_TRY(read_messages(fields.find("messages")));
  PJ_TRY(read_tool_choice(fields, request));
  request.sampling = PJ_TRY(read_sampling_fields(fields, info));
  request.grammar = PJ_TRY(read_answer_format(fields));
  request.stream = PJ_TRY(read_stream(fields));
  request.logprobs = PJ_TRY(fields.boolean("logprobs")).value_or(false);
  const auto top = PJ_TRY(fields.integer("top_logprobs", 0, kMaxTopLogprobs));
  if (top && !request.logprobs) {
    return bad_request("top_logprobs", "'top_logprobs' wants 'logprobs': true");
  }
  if (request.logprobs) {
    request.sampling.options.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
  }
  if (const Json* variables = fields.find("chat_template_kwargs")) {
    if (!variables->is_object()) {
      return bad_request("chat_template_kwargs",
                         "'chat_template_kwargs' is a {}, expected an object",
                         variables->type_name());
    }
    request.template_variables = *variables;
  }
  if (auto effort = PJ_TRY(fields.text("reasoning_effort"))) {
    request.template_variables["reasoning_effort"] = *effort;
  }
  if (auto format = PJ_TRY(fields.text("reasoning_format"))) {
    request.reasoning_format = parse_reasoning_format(*format);
    if (!request.reasoning_format) {
      return bad_request("reasoning_format",
                         "'reasoning_format' is '{}', expected none, auto or deepseek", *format);
    }
  }
  return request;
}

ApiResult<CompletionRequest> read_completion_request(const Json& body,
                                                     const ServedModelInfo& info) {
  const RequestFields fields(body);
  CompletionRequest request;
  request.prompts = PJ_TRY(read_prompts(body, "prompt", info));
  request.sampling = PJ_TRY(read_sampling_fields(fields, info));
  request.grammar = PJ_TRY(read_answer_format(fields));
  request.stream = PJ_TRY(read_stream(fields));
  request.echo = PJ_TRY(fields.boolean("echo")).value_or(false);
  if (auto suffix = PJ_TRY(fields.text("suffix")); suffix && !suffix->empty()) {
    return bad_request("suffix", "'suffix' is not supported: this server only continues texts");
  }
  if (auto best_of = PJ_TRY(fields.integer("best_of", 1, kMaxChoices));
      best_of && *best_of != request.sampling.choices) {
    return bad_request("best_of", "'best_of' must equal 'n'");
  }
  const auto top = PJ_TRY(fields.integer("logprobs", 0, kMaxCompletionLogprobs));
  request.logprobs = top.has_value();
  if (top) request.sampling.options.top_logprobs = static_cast<std::int32_t>(*top);
  // The older endpoint's default; the chat's is what the context holds.
  if (request.sampling.max_tokens == 0) request.sampling.max_tokens = 16;
  return request;
}

}  // namespace pajamas
