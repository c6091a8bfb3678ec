// SPDX-License-Identifier: Apache-2.0
#include "serve/api/responses_body.h"

#include <utility>

#include "serve/api/chat_messages.h"
#include "serve/api/request_fields.h"

namespace pajamas {
namespace {

// Calls that follow each other belong to one message of the assistant.
void add_call(Json call, Json& messages) {
  const bool goes_on = !messages.empty() && messages.back()["role"] == "assistant";
  if (!goes_on) messages.push_back({{"role", "assistant"}, {"content", ""}});
  Json& message = messages.back();
  if (!message.contains("tool_calls")) message["tool_calls"] = Json::array();
  message["tool_calls"].push_back(std::move(call));
}

// {"content": [{"type": "reasoning_text", "text"}]}; summaries are not what the model said.
ApiResult<std::string> read_thought(const RequestFields& fields) {
  std::string thought;
  const Json* content = fields.find("content");
  if (content == nullptr) return thought;
  if (!content->is_array()) {
    return bad_request(fields.name("content"), "'{}' is a {}, expected a list",
                       fields.name("content"), content->type_name());
  }
  for (std::size_t at = 0; at < content->size(); ++at) {
    const RequestFields part((*content)[at], fmt::format("{}[{}].", fields.name("content"), at));
    thought += PJ_TRY(part.required_text("text"));
  }
  return thought;
}

// `thought`: of the reasoning items since the last message; the assistant's next one takes it.
ApiResult<void> add_item(const Json& item, const std::string& name, Json& messages,
                         std::string& thought) {
  if (!item.is_object()) {
    return bad_request(name, "'{}' is a {}, expected an object", name, item.type_name());
  }
  const RequestFields fields(item, name + ".");
  const std::string type = PJ_TRY(fields.text("type")).value_or("message");
  if (type == "message") {
    const std::string role = PJ_TRY(fields.required_text("role"));
    const std::string text = PJ_TRY(read_content(fields.find("content"), fields.name("content")));
    messages.push_back({{"role", role}, {"content", text}});
  } else if (type == "function_call") {
    const std::string id = PJ_TRY(fields.required_text("call_id"));
    const std::string tool = PJ_TRY(fields.required_text("name"));
    const std::string arguments = PJ_TRY(fields.required_text("arguments"));
    add_call({{"id", id},
              {"type", "function"},
              {"function", {{"name", tool}, {"arguments", arguments}}}},
             messages);
  } else if (type == "function_call_output") {
    const std::string id = PJ_TRY(fields.required_text("call_id"));
    const std::string text = PJ_TRY(read_content(fields.find("output"), fields.name("output")));
    messages.push_back({{"role", "tool"}, {"tool_call_id", id}, {"content", text}});
  } else if (type == "reasoning") {
    thought += PJ_TRY(read_thought(fields));
  } else {
    return bad_request(fields.name("type"),
                       "'{}' is '{}', expected message, function_call, function_call_output or "
                       "reasoning",
                       fields.name("type"), type);
  }
  const bool is_own = !messages.empty() && messages.back()["role"] == "assistant";
  if (type != "reasoning" && is_own && !thought.empty()) {
    messages.back()["reasoning_content"] = std::exchange(thought, {});
  }
  return {};
}

ApiResult<Json> messages_of(const RequestFields& fields) {
  Json messages = Json::array();
  if (auto text = PJ_TRY(fields.text("instructions"))) {
    messages.push_back({{"role", "system"}, {"content", *text}});
  }
  const Json* input = fields.find("input");
  if (input != nullptr && input->is_string()) {
    messages.push_back({{"role", "user"}, {"content", *input}});
    return messages;
  }
  if (input == nullptr || !input->is_array() || input->empty()) {
    return bad_request("input", "'input' must be a string or a list of items");
  }
  std::string thought;
  for (std::size_t at = 0; at < input->size(); ++at) {
    PJ_TRY(add_item((*input)[at], fmt::format("input[{}]", at), messages, thought));
  }
  return messages;
}

// {"type": "function", "name", "description", "parameters"}, without the inner object.
ApiResult<Json> response_tools_of(const Json& tools) {
  if (!tools.is_array()) {
    return bad_request("tools", "'tools' is a {}, expected a list", tools.type_name());
  }
  Json result = Json::array();
  for (std::size_t at = 0; at < tools.size(); ++at) {
    const RequestFields fields(tools[at], fmt::format("tools[{}].", at));
    const std::string type = PJ_TRY(fields.required_text("type"));
    if (type != "function") {
      return bad_request(fields.name("type"), "'{}' is '{}', but only functions are supported",
                         fields.name("type"), type);
    }
    Json function = Json::object();
    for (const char* key : {"name", "description", "parameters"}) {
      if (const Json* value = fields.find(key)) function[key] = *value;
    }
    result.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return result;
}

// {"format": {"type": "json_schema", "name", "schema"}}
ApiResult<Json> response_format_of(const Json& text) {
  const Json* format = find_member(text, "format");
  if (format == nullptr) return Json();
  const RequestFields fields(*format, "text.format.");
  const std::string type = PJ_TRY(fields.required_text("type"));
  if (type != "json_schema") return Json{{"type", type}};
  const Json* schema = fields.find("schema");
  return Json{{"type", type}, {"json_schema", {{"schema", schema ? *schema : Json()}}}};
}

}  // namespace

ApiResult<Json> chat_body_of_response(const Json& body) {
  const RequestFields fields(body);
  if (fields.find("previous_response_id") != nullptr || fields.find("conversation") != nullptr) {
    return bad_request("previous_response_id",
                       "this server keeps no responses: send the whole conversation in 'input'");
  }
  if (PJ_TRY(fields.boolean("background")).value_or(false)) {
    return bad_request("background", "'background' is not supported");
  }
  Json chat = Json::object();
  for (const char* key :
       {"model", "stream", "temperature", "top_p", "parallel_tool_calls", "seed", "top_k", "min_p",
        "grammar", "reasoning_format", "chat_template_kwargs"}) {
    if (const Json* value = fields.find(key)) chat[key] = *value;
  }
  if (const Json* most = fields.find("max_output_tokens")) chat["max_completion_tokens"] = *most;
  chat["messages"] = PJ_TRY(messages_of(fields));
  if (const Json* tools = fields.find("tools"); tools != nullptr && !tools->empty()) {
    chat["tools"] = PJ_TRY(response_tools_of(*tools));
    const Json* choice = fields.find("tool_choice");
    const Json* name = choice != nullptr ? find_member(*choice, "name") : nullptr;
    if (name != nullptr) {
      chat["tool_choice"] = {{"type", "function"}, {"function", {{"name", *name}}}};
    } else if (choice != nullptr) {
      chat["tool_choice"] = *choice;
    }
  }
  if (const Json* text = fields.find("text")) {
    Json format = PJ_TRY(response_format_of(*text));
    if (!format.is_null()) chat["response_format"] = std::move(format);
  }
  if (const Json* reasoning = fields.find("reasoning")) {
    if (const Json* effort = find_member(*reasoning, "effort")) chat["reasoning_effort"] = *effort;
  }
  return chat;
}

}  // namespace pajamas
