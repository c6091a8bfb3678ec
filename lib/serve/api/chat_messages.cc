// SPDX-License-Identifier: Apache-2.0
#include "serve/api/chat_messages.h"

#include <algorithm>

#include "serve/api/request_fields.h"

namespace pajamas {
namespace {

constexpr std::size_t kMaxMessages = 4096;
constexpr std::size_t kMaxTools = 128;
constexpr std::size_t kMaxToolNameBytes = 64;

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxToolNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// {"id", "type", "function": {"name", "arguments": "{...}"}}
ApiResult<Json> read_tool_call(const Json& call, const std::string& name) {
  if (!call.is_object()) {
    return bad_request(name, "'{}' is a {}, expected an object", name, call.type_name());
  }
  const Json* function = find_member(call, "function");
  if (function == nullptr || !function->is_object()) {
    return bad_request(name + ".function", "'{}.function' is missing or no object", name);
  }
  const RequestFields fields(*function, name + ".function.");
  const std::string function_name = PJ_TRY(fields.required_text("name"));
  Json arguments = Json::object();
  if (const Json* given = fields.find("arguments"); given != nullptr && given->is_object()) {
    arguments = *given;
  } else if (given != nullptr) {
    const auto text = PJ_TRY(fields.text("arguments"));
    // Templates print arguments as JSON; what a model wrote may be none, and stays a string.
    auto parsed = parse_json(*text, fields.name("arguments"), {.max_depth = 64});
    arguments = parsed && parsed->is_object() ? std::move(*parsed) : Json(*text);
  }
  Json result{{"type", "function"},
              {"function", {{"name", function_name}, {"arguments", std::move(arguments)}}}};
  if (auto id = PJ_TRY(RequestFields(call, name + ".").text("id"))) result["id"] = *id;
  return result;
}

ApiResult<Json> read_message(const Json& message, const std::string& name) {
  if (!message.is_object()) {
    return bad_request(name, "'{}' is a {}, expected an object", name, message.type_name());
  }
  const RequestFields fields(message, name + ".");
  std::string role = PJ_TRY(fields.required_text("role"));
  if (role == "developer") role = "system";
  if (role == "function") role = "tool";
  if (role != "system" && role != "user" && role != "assistant" && role != "tool") {
    return bad_request(fields.name("role"),
                       "'{}' is '{}', expected system, developer, user, assistant or tool",
                       fields.name("role"), role);
  }
  const Json* calls = role == "assistant" ? fields.find("tool_calls") : nullptr;
  const Json* content = fields.find("content");
  if (content == nullptr && role != "assistant") {
    return bad_request(fields.name("content"), "'{}' is missing", fields.name("content"));
  }
  const std::string text = PJ_TRY(read_content(content, fields.name("content")));
  Json result{{"role", role}, {"content", text}};
  for (const char* key : {"name", "tool_call_id", "reasoning_content"}) {
    if (auto value = PJ_TRY(fields.text(key))) result[key] = *value;
  }
  if (calls == nullptr) return result;
  if (!calls->is_array()) {
    return bad_request(fields.name("tool_calls"), "'{}' is a {}, expected a list",
                       fields.name("tool_calls"), calls->type_name());
  }
  if (calls->empty()) return result;
  Json& list = result["tool_calls"] = Json::array();
  for (std::size_t at = 0; at < calls->size(); ++at) {
    list.push_back(
        PJ_TRY(read_tool_call((*calls)[at], fmt::format("{}.tool_calls[{}]", name, at))));
  }
  return result;
}

}  // namespace

ApiResult<std::string> read_content(const Json* content, const std::string& name) {
  if (content == nullptr) return std::string{};
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) {
    return bad_request(name, "'{}' is a {}, expected a string or a list of parts", name,
                       content->type_name());
  }
  std::string text;
  for (std::size_t at = 0; at < content->size(); ++at) {
    const std::string part_name = fmt::format("{}[{}]", name, at);
    const Json& part = (*content)[at];
    if (!part.is_object()) {
      return bad_request(part_name, "'{}' is a {}, expected an object", part_name,
                         part.type_name());
    }
    const RequestFields fields(part, part_name + ".");
    const std::string type = PJ_TRY(fields.required_text("type"));
    if (type != "text" && type != "input_text" && type != "output_text") {
      return bad_request(fields.name("type"), "'{}' is '{}', but this model takes text only",
                         fields.name("type"), type);
    }
    text += PJ_TRY(fields.required_text("text"));
  }
  return text;
}

ApiResult<Json> read_messages(const Json* messages) {
  constexpr std::string_view kName = "messages";
  if (messages == nullptr) return bad_request(kName, "'messages' is missing");
  if (!messages->is_array() || messages->empty()) {
    return bad_request(kName, "'messages' must be a list with at least one message");
  }
  if (messages->size() > kMaxMessages) {
    return bad_request(kName, "'messages' has {} entries, at most {} are allowed", messages->size(),
                       kMaxMessages);
  }
  Json result = Json::array();
  for (std::size_t at = 0; at < messages->size(); ++at) {
    result.push_back(PJ_TRY(read_message((*messages)[at], fmt::format("messages[{}]", at))));
  }
  return result;
}

ApiResult<Json> read_tools(const Json* tools) {
  constexpr std::string_view kName = "tools";
  if (tools == nullptr) return Json();
  if (!tools->is_array()) {
    return bad_request(kName, "'tools' is a {}, expected a list", tools->type_name());
  }
  if (tools->size() > kMaxTools) {
    return bad_request(kName, "'tools' has {} entries, at most {} are allowed", tools->size(),
                       kMaxTools);
  }
  if (tools->empty()) return Json();
  Json result = Json::array();
  for (std::size_t at = 0; at < tools->size(); ++at) {
    const std::string name = fmt::format("tools[{}]", at);
    const Json& tool = (*tools)[at];
    const Json* function = find_member(tool, "function");
    if (function == nullptr || !function->is_object()) {
      return bad_request(name + ".function",
                         "'{}.function' is missing; only tools of type 'function' are known", name);
    }
    const RequestFields fields(*function, name + ".function.");
    const std::string tool_name = PJ_TRY(fields.required_text("name"));
    if (!is_tool_name(tool_name)) {
      return bad_request(fields.name("name"),
                         "'{}' must have 1 to {} letters, digits, '_', '-' or '.'",
                         fields.name("name"), kMaxToolNameBytes);
    }
    const Json* parameters = fields.find("parameters");
    if (parameters != nullptr && !parameters->is_object()) {
      return bad_request(fields.name("parameters"), "'{}' is a {}, expected a JSON schema",
                         fields.name("parameters"), parameters->type_name());
    }
    Json entry{{"name", tool_name}};
    entry["description"] = PJ_TRY(fields.text("description")).value_or("");
    entry["parameters"] = parameters != nullptr
                              ? *parameters
                              : Json{{"type", "object"}, {"properties", Json::object()}};
    result.push_back({{"type", "function"}, {"function", std::move(entry)}});
  }
  return result;
}

}  // namespace pajamas
