// SPDX-License-Identifier: Apache-2.0
// POST /v1/chat/completions and /apply-template.
#include "serve/answer_run.h"
#include "serve/chat_plan.h"
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

ApiResult<Json> chat(const ApiContext& context, const http::Request& request, http::Reply& reply) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const ChatRequest chat_request = PJ_TRY(read_chat_request(body, model->info()));
  const AnswerPlan plan = PJ_TRY(plan_chat(*model, chat_request, context.reasoning_format));
  return answer_request(*model, plan,
                        {.shape = AnswerShape::kChat,
                         .with_logprobs = chat_request.logprobs,
                         .stream = chat_request.stream},
                        context.metrics, reply);
}

ApiResult<Json> apply_template(const ApiContext& context, const http::Request& request) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const ChatRequest chat_request = PJ_TRY(read_chat_request(body, model->info()));
  const std::string prompt = PJ_TRY(render_chat(*model, chat_request));
  return Json{{"prompt", prompt}};
}

}  // namespace

void add_chat_routes(http::Router& router, const ApiContext& context) {
  for (const char* pattern : {"/v1/chat/completions", "/chat/completions"}) {
    router.add({.method = "POST",
                .pattern = pattern,
                .handler = json_handler([context](const auto& request, auto& reply) {
                  return chat(context, request, reply);
                })});
  }
  router.add({.method = "POST",
              .pattern = "/apply-template",
              .handler = json_handler([context](const auto& request, auto&) {
                return apply_template(context, request);
              })});
}

}  // namespace pajamas
