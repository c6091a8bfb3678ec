// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/tool_grammar.h"

#include <utility>

#include "serve/api/answer_format.h"

namespace pajamas {

ApiResult<std::shared_ptr<const Grammar>> tool_call_grammar(const Json& tools,
                                                            const std::string& forced,
                                                            bool is_list) {
  Json calls = Json::array();
  for (const Json& tool : tools) {
    const Json& function = tool["function"];
    if (!forced.empty() && function["name"] != forced) continue;
    calls.push_back(
        {{"type", "object"},
         {"properties",
          {{"name", {{"const", function["name"]}}}, {"arguments", function["parameters"]}}},
         {"required", {"name", "arguments"}},
         {"additionalProperties", false}});
  }
  Json call = calls.size() == 1 ? calls[0] : Json{{"anyOf", std::move(calls)}};
  const Json schema =
      is_list && forced.empty()
          ? Json{{"type", "array"}, {"items", std::move(call)}, {"minItems", 1}, {"maxItems", 16}}
          : std::move(call);
  return grammar_of_schema(schema, "tools");
}

}  // namespace pajamas
