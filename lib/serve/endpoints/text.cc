// SPDX-License-Identifier: Apache-2.0
// POST /tokenize and /detokenize.
#include <utility>

#include "serve/api/chat_request.h"
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

ApiResult<Json> tokenize(const ApiContext& context, const http::Request& request) {
  const Json body = PJ_TRY(parse_body(request.body));
  const RequestFields fields(body);
  const SharedModel model = PJ_TRY(model_of(context, body));
  const std::string content = PJ_TRY(fields.required_text("content"));
  TokenizeOptions options;
  options.add_special = PJ_TRY(fields.boolean("add_special")).value_or(false);
  options.parse_special = PJ_TRY(fields.boolean("parse_special")).value_or(true);
  const bool with_pieces = PJ_TRY(fields.boolean("with_pieces")).value_or(false);
  const auto ids = PJ_TRY(for_client(model->tokenize(content, options)));
  Json tokens = Json::array();
  for (const std::int32_t id : ids) {
    if (with_pieces) {
      tokens.push_back({{"id", id}, {"piece", model->detokenize(std::span(&id, 1))}});
    } else {
      tokens.push_back(id);
    }
  }
  return Json{{"tokens", std::move(tokens)}};
}

ApiResult<Json> detokenize(const ApiContext& context, const http::Request& request) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const Json* tokens = find_member(body, "tokens");
  if (tokens != nullptr && tokens->is_array() && tokens->empty()) return Json{{"content", ""}};
  const auto lists = PJ_TRY(read_prompts(body, "tokens", model->info()));
  const auto* ids = std::get_if<std::vector<std::int32_t>>(&lists.front());
  if (ids == nullptr || lists.size() != 1) {
    return bad_request("tokens", "'tokens' must be a list of token ids");
  }
  return Json{{"content", model->detokenize(*ids)}};
}

}  // namespace

void add_text_routes(http::Router& router, const ApiContext& context) {
  router.add({.method = "POST",
              .pattern = "/tokenize",
              .handler = json_handler(
                  [context](const auto& request, auto&) { return tokenize(context, request); }),
              .lane = http::Lane::kLong});
  router.add({.method = "POST",
              .pattern = "/detokenize",
              .handler = json_handler(
                  [context](const auto& request, auto&) { return detokenize(context, request); }),
              .lane = http::Lane::kLong});
}

}  // namespace pajamas
