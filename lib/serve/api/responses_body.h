// SPDX-License-Identifier: Apache-2.0
// Bodies of /v1/responses as bodies of /v1/chat/completions.
#pragma once

#include "serve/api/api_result.h"

namespace pajamas {

// Nothing is stored here, so what refers to an earlier response is a 400.
ApiResult<Json> chat_body_of_response(const Json& body);

}  // namespace pajamas
