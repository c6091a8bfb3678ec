// SPDX-License-Identifier: Apache-2.0
#include "serve/api/messages_body.h"

#include <utility>

#include "serve/api/chat_messages.h"
#include "serve/api/request_fields.h"

namespace pajamas {
namespace {

// One block of a message's content, added to what the message becomes.
struct Blocks {
  std::string text{};
  std::string thought{};
  Json tool_calls = Json::array();
  Json tool_results = Json::array();  // messages of their own
};

ApiResult<void> add_block(const Json& block, const std::string& name, Blocks& blocks) {
  if (!block.is_object()) {
    return bad_request(name, "'{}' is a {}, expected an object", name, block.type_name());
  }
  const RequestFields fields(block, name + ".");
  const std::string type = PJ_TRY(fields.required_text("type"));
  if (type == "text") {
    blocks.text += PJ_TRY(fields.required_text("text"));
  } else if (type == "tool_use") {
    const Json* input = fields.find("input");
    const std::string id = PJ_TRY(fields.required_text("id"));
    const std::string tool = PJ_TRY(fields.required_text("name"));
    blocks.tool_calls.push_back(
        {{"id", id},
         {"type", "function"},
         {"function",
          {{"name", tool}, {"arguments", input != nullptr ? *input : Json::object()}}}});
  } else if (type == "tool_result") {
    const std::string id = PJ_TRY(fields.required_text("tool_use_id"));
    const std::string text = PJ_TRY(read_content(fields.find("content"), fields.name("content")));
    blocks.tool_results.push_back({{"role", "tool"}, {"tool_call_id", id}, {"content", text}});
  } else if (type == "thinking") {
    blocks.thought += PJ_TRY(fields.required_text("thinking"));
  } else if (type != "redacted_thinking") {
    return bad_request(fields.name("type"),
                       "'{}' is '{}', but this model takes text and tools only",
                       fields.name("type"), type);
  }
  return {};
}

ApiResult<void> add_message(const Json& message, const std::string& name, Json& messages) {
  const RequestFields fields(message, name + ".");
  const std::string role = PJ_TRY(fields.required_text("role"));
  const Json* content = fields.find("content");
  if (content == nullptr || !content->is_array()) {
    messages.push_back({{"role", role}, {"content", content != nullptr ? *content : Json()}});
    return {};
  }
  Blocks blocks;
  for (std::size_t at = 0; at < content->size(); ++at) {
    PJ_TRY(add_block((*content)[at], fmt::format("{}.content[{}]", name, at), blocks));
  }
  for (Json& result : blocks.tool_results) messages.push_back(std::move(result));
  // What a user says beside the results of tools comes behind them.
  if (blocks.text.empty() && blocks.tool_calls.empty() && !blocks.tool_results.empty()) return {};
  Json entry{{"role", role}, {"content", std::move(blocks.text)}};
  if (!blocks.tool_calls.empty()) entry["tool_calls"] = std::move(blocks.tool_calls);
  if (!blocks.thought.empty()) entry["reasoning_content"] = std::move(blocks.thought);
  messages.push_back(std::move(entry));
  return {};
}

ApiResult<Json> message_tools_of(const Json& tools) {
  if (!tools.is_array()) {
    return bad_request("tools", "'tools' is a {}, expected a list", tools.type_name());
  }
  Json result = Json::array();
  for (std::size_t at = 0; at < tools.size(); ++at) {
    const RequestFields fields(tools[at], fmt::format("tools[{}].", at));
    const std::string name = PJ_TRY(fields.required_text("name"));
    Json function{{"name", name}};
    if (const Json* text = fields.find("description")) function["description"] = *text;
    if (const Json* schema = fields.find("input_schema")) function["parameters"] = *schema;
    result.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return result;
}

ApiResult<Json> tool_choice_of(const Json& choice) {
  const RequestFields fields(choice, "tool_choice.");
  const std::string type = PJ_TRY(fields.required_text("type"));
  if (type == "any") return Json("required");
  if (type != "tool") return Json(type);
  const std::string name = PJ_TRY(fields.required_text("name"));
  return Json{{"type", "function"}, {"function", {{"name", name}}}};
}

}  // namespace

ApiResult<Json> chat_body_of_messages(const Json& body) {
  const RequestFields fields(body);
  Json chat = Json::object();
  // The last are llama.cpp's.
  for (const char* key : {"model", "max_tokens", "stream", "temperature", "top_p", "top_k", "min_p",
                          "seed", "grammar", "reasoning_format", "chat_template_kwargs"}) {
    if (const Json* value = fields.find(key)) chat[key] = *value;
  }
  if (const Json* stops = fields.find("stop_sequences"); stops != nullptr && !stops->empty()) {
    chat["stop"] = *stops;
  }
  Json messages = Json::array();
  if (const Json* system = fields.find("system")) {
    messages.push_back({{"role", "system"}, {"content", *system}});
  }
  const Json* given = fields.find("messages");
  if (given == nullptr || !given->is_array()) {
    return bad_request("messages", "'messages' must be a list");
  }
  for (std::size_t at = 0; at < given->size(); ++at) {
    PJ_TRY(add_message((*given)[at], fmt::format("messages[{}]", at), messages));
  }
  chat["messages"] = std::move(messages);
  if (const Json* thinking = fields.find("thinking")) {
    const std::string type = PJ_TRY(RequestFields(*thinking, "thinking.").required_text("type"));
    // What templates call it that leave the choice.
    Json& variables = chat["chat_template_kwargs"];
    if (variables.is_null()) variables = Json::object();
    if (variables.is_object()) variables["enable_thinking"] = type != "disabled";
  }
  if (const Json* tools = fields.find("tools")) chat["tools"] = PJ_TRY(message_tools_of(*tools));
  if (const Json* choice = fields.find("tool_choice");
      choice != nullptr && chat.contains("tools")) {
    chat["tool_choice"] = PJ_TRY(tool_choice_of(*choice));
    const bool one_call =
        PJ_TRY(RequestFields(*choice).boolean("disable_parallel_tool_use")).value_or(false);
    chat["parallel_tool_calls"] = !one_call;
  }
  return chat;
}

}  // namespace pajamas
