// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/tool_grammar.h"

#include <utility>

#include "serve/api/answer_format.h"

namespace pajamas {
namespace {

Json call_schema(const Json& function, const char* arguments_key) {
  return {{"type", "object"},
          {"properties",
           {{"name", {{"const", function["name"]}}}, {arguments_key, function["parameters"]}}},
          {"required", {"name", arguments_key}},
          {"additionalProperties", false}};
}

}  // namespace

ApiResult<std::shared_ptr<const Grammar>> tool_call_grammar(const Json& tools,
                                                            const std::string& forced,
                                                            bool is_list) {
  Json calls = Json::array();
  for (const Json& tool : tools) {
    const Json& function = tool["function"];
    if (!forced.empty() && function["name"] != forced) continue;
    calls.push_back(call_schema(function, "arguments"));
  }
  Json call = calls.size() == 1 ? calls[0] : Json{{"anyOf", std::move(calls)}};
  const Json schema =
      is_list && forced.empty()
          ? Json{{"type", "array"}, {"items", std::move(call)}, {"minItems", 1}, {"maxItems", 16}}
          : std::move(call);
  return grammar_of_schema(schema, "tools");
}

ApiResult<std::shared_ptr<const Grammar>> free_call_grammar(const Json& tools) {
  Json calls = Json::array();
  for (const Json& tool : tools) {
    calls.push_back(call_schema(tool["function"], "arguments"));
    calls.push_back(call_schema(tool["function"], "parameters"));
  }
  return grammar_of_schema(Json{{"anyOf", std::move(calls)}}, "tools");
}

std::map<std::string, std::shared_ptr<const Grammar>> argument_grammars(const Json& tools) {
  std::map<std::string, std::shared_ptr<const Grammar>> grammars;
  for (const Json& tool : tools) {
    const Json& function = tool["function"];
    auto grammar = grammar_of_schema(function["parameters"], "tools");
    if (grammar) grammars[function["name"].get<std::string>()] = std::move(*grammar);
  }
  return grammars;
}

}  // namespace pajamas
