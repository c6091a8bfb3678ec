// SPDX-License-Identifier: Apache-2.0
// A grammar for answers that must call a tool: JSON of a call whose arguments follow the tool's
// schema.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "sampling/grammar/grammar.h"
#include "serve/api/api_result.h"

namespace pajamas {

// `tools` as read_tools gives them; `forced`: the only one that may be called, or "" for any of
// them; `is_list`: several calls may be made at once.
ApiResult<std::shared_ptr<const Grammar>> tool_call_grammar(const Json& tools,
                                                            const std::string& forced,
                                                            bool is_list);

// One call inside an answer that is otherwise free: {"name": ..., "arguments" or "parameters":
// ...}.
ApiResult<std::shared_ptr<const Grammar>> free_call_grammar(const Json& tools);

// Of the arguments alone, by tool. Tools whose schema no grammar can respect are left out.
std::map<std::string, std::shared_ptr<const Grammar>> argument_grammars(const Json& tools);

}  // namespace pajamas
