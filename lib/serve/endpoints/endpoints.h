// SPDX-License-Identifier: Apache-2.0
// The routes of the API. Each file of this folder has the handlers of one of them; add_routes puts
// them together.
#pragma once

#include <functional>
#include <string>

#include "http/reply.h"
#include "http/router.h"
#include "serve/api/api_result.h"
#include "serve/api/request_fields.h"
#include "serve/metrics.h"
#include "serve/model_library.h"
#include "serve/thinking/thought_splitter.h"

namespace pajamas {

// What handlers use. Outlives the server that runs them.
struct ApiContext {
  ModelLibrary& models;
  Metrics& metrics;
  ReasoningFormat reasoning_format = ReasoningFormat::kSplit;  // of requests that name none
};

void add_routes(http::Router& router, const ApiContext& context);

// One per file.
void add_model_routes(http::Router& router, const ApiContext& context);
void add_chat_routes(http::Router& router, const ApiContext& context);
void add_completion_routes(http::Router& router, const ApiContext& context);
void add_message_routes(http::Router& router, const ApiContext& context);
void add_response_routes(http::Router& router, const ApiContext& context);
void add_embedding_routes(http::Router& router, const ApiContext& context);
void add_text_routes(http::Router& router, const ApiContext& context);
void add_page_routes(http::Router& router);
void add_missing_routes(http::Router& router);

// A handler that gives its JSON or an error; `work` may answer by itself and then gives null.
using JsonWork = std::function<ApiResult<Json>(const http::Request&, http::Reply&)>;
http::Handler json_handler(JsonWork work);

// The model that a body names; 404 with "model_not_found".
ApiResult<SharedModel> model_of(const ApiContext& context, const Json& body);

// Value of a library's result, or the error body that stands for it.
template <typename T>
ApiResult<T> for_client(Result<T> result) {
  if (!result) return std::unexpected(to_error_body(result.error()));
  return std::move(*result);
}

}  // namespace pajamas
