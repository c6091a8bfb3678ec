// SPDX-License-Identifier: Apache-2.0
// The messages of a chat as a template wants them: roles it knows, content as one string, the
// arguments of tool calls as objects.
#pragma once

#include "serve/api/api_result.h"

namespace pajamas {

// `messages` of a request. Images and audio are a 400: no model that runs here takes them.
ApiResult<Json> read_messages(const Json* messages);

// A string, null, or a list of text parts. `name` stands in error messages.
ApiResult<std::string> read_content(const Json* content, const std::string& name);

// `tools` checked: a list of {"type": "function", "function": {"name", "description",
// "parameters"}}. Null when there are none.
ApiResult<Json> read_tools(const Json* tools);

}  // namespace pajamas
