// SPDX-License-Identifier: Apache-2.0
#include "serve/endpoints/endpoints.h"

#include <utility>

#include "serve/api/request_fields.h"

namespace pajamas {

http::Handler json_handler(JsonWork work) {
  return [work = std::move(work)](const http::Request& request, http::Reply& reply) {
    ApiResult<Json> result = work(request, reply);
    if (reply.has_begun()) return;
    reply.send(result ? http::json_response(200, *result) : http::error_response(result.error()));
  };
}

ApiResult<SharedModel> model_of(const ApiContext& context, const Json& body) {
  const auto id = PJ_TRY(RequestFields(body).text("model"));
  auto model = context.models.acquire(id.value_or(""));
  if (model) return std::move(*model);
  http::ErrorBody error = to_error_body(model.error());
  if (error.status == 404) {
    error.type = "invalid_request_error";
    error.param = "model";
    error.code = "model_not_found";
  }
  return std::unexpected(std::move(error));
}

void add_routes(http::Router& router, const ApiContext& context) {
  add_model_routes(router, context);
  add_chat_routes(router, context);
  add_completion_routes(router, context);
  add_message_routes(router, context);
  add_response_routes(router, context);
  add_embedding_routes(router, context);
  add_text_routes(router, context);
  add_page_routes(router);
  add_missing_routes(router);
}

void add_missing_routes(http::Router& router) {
  struct Missing {
    const char* pattern;
    const char* what;
  };
  // Known to clients, so that they get an answer that says more than 404.
  constexpr Missing kMissing[] = {
      {"/v1/audio/transcriptions", "audio"},
      {"/v1/audio/speech", "audio"},
      {"/v1/images/generations", "image generation"},
      {"/v1/rerank", "reranking"},
      {"/v1/moderations", "moderation"},
  };
  for (const Missing& missing : kMissing) {
    router.add(
        {.method = "POST",
         .pattern = missing.pattern,
         .handler = json_handler([what = missing.what](const auto&, auto&) -> ApiResult<Json> {
           return std::unexpected(
               http::ErrorBody{.status = 501, .message = fmt::format("{} is not supported", what)});
         }),
         .lane = http::Lane::kQuick});
  }
}

}  // namespace pajamas
