// SPDX-License-Identifier: Apache-2.0
// GET /health, /metrics, /v1/models and /v1/models/{id}.
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

Json model_json(const ModelLibrary::Entry& entry) {
  return {{"id", entry.id},
          {"object", "model"},
          {"created", entry.created_s},
          {"owned_by", "llama-pajamas"},
          {"meta", {{"loaded", entry.is_loaded}}}};
}

ApiResult<Json> list_models(const ApiContext& context) {
  Json list = Json::array();
  for (const auto& entry : context.models.list()) list.push_back(model_json(entry));
  return Json{{"object", "list"}, {"data", std::move(list)}};
}

ApiResult<Json> describe_model(const ApiContext& context, std::string_view id) {
  for (const auto& entry : context.models.list()) {
    if (entry.id == id) return model_json(entry);
  }
  return std::unexpected(http::ErrorBody{.status = 404,
                                         .message = fmt::format("there is no model '{}' here", id),
                                         .type = "invalid_request_error",
                                         .param = "model",
                                         .code = "model_not_found"});
}

}  // namespace

void add_model_routes(http::Router& router, const ApiContext& context) {
  using http::Access;
  using http::Lane;
  for (const char* pattern : {"/health", "/v1/health"}) {
    router.add({.method = "GET",
                .pattern = pattern,
                .handler = json_handler(
                    [](const auto&, auto&) -> ApiResult<Json> { return Json{{"status", "ok"}}; }),
                .lane = Lane::kQuick,
                .access = Access::kPublic});
  }
  router.add({.method = "GET",
              .pattern = "/metrics",
              .handler =
                  [context](const http::Request&, http::Reply& reply) {
                    reply.send({.content_type = "text/plain; version=0.0.4",
                                .body = context.metrics.to_prometheus(context.models.list())});
                  },
              .lane = Lane::kQuick});
  for (const char* pattern : {"/v1/models", "/models"}) {
    router.add(
        {.method = "GET",
         .pattern = pattern,
         .handler = json_handler([context](const auto&, auto&) { return list_models(context); }),
         .lane = Lane::kQuick});
  }
  router.add({.method = "GET",
              .pattern = "/v1/models/{id...}",
              .handler = json_handler([context](const http::Request& request, auto&) {
                return describe_model(context, request.parameter("id"));
              }),
              .lane = Lane::kQuick});
}

}  // namespace pajamas
