// SPDX-License-Identifier: Apache-2.0
// Bodies of Anthropic's /v1/messages as bodies of /v1/chat/completions.
#pragma once

#include "serve/api/api_result.h"

namespace pajamas {

// Keeps `stream`; checks what only that API has. Values are checked by read_chat_request.
ApiResult<Json> chat_body_of_messages(const Json& body);

}  // namespace pajamas
