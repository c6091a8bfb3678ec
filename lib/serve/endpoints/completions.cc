// SPDX-License-Identifier: Apache-2.0
// POST /v1/completions.
#include <utility>

#include "serve/answer_run.h"
#include "serve/api/chat_request.h"
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

ApiResult<Json> complete(const ApiContext& context, const http::Request& request,
                         http::Reply& reply) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const CompletionRequest wanted = PJ_TRY(read_completion_request(body, model->info()));
  AnswerPlan plan{.jobs = {}, .prompts = static_cast<std::int64_t>(wanted.prompts.size())};
  AnswerOptions options{
      .shape = AnswerShape::kCompletion, .with_logprobs = wanted.logprobs, .stream = wanted.stream};
  for (const auto& prompt : wanted.prompts) {
    GenerationJob job{.prompt = {},
                      .sampling = wanted.sampling.options,
                      .stop = wanted.sampling.stop,
                      .max_tokens = wanted.sampling.max_tokens,
                      .grammar = wanted.grammar,
                      .ignore_end = wanted.sampling.ignore_end};
    if (const auto* text = std::get_if<std::string>(&prompt)) {
      job.prompt = PJ_TRY(for_client(model->tokenize(*text, {})));
    } else {
      job.prompt = std::get<std::vector<std::int32_t>>(prompt);
    }
    for (std::int64_t choice = 0; choice < wanted.sampling.choices; ++choice) {
      plan.jobs.push_back(job);
      if (job.sampling.seed) ++*job.sampling.seed;
      if (!wanted.echo) continue;
      const auto* text = std::get_if<std::string>(&prompt);
      options.echo.push_back(text != nullptr ? *text : model->detokenize(job.prompt));
    }
  }
  return answer_request(*model, plan, options, context.metrics, reply);
}

}  // namespace

void add_completion_routes(http::Router& router, const ApiContext& context) {
  for (const char* pattern : {"/v1/completions", "/completions"}) {
    router.add({.method = "POST",
                .pattern = pattern,
                .handler = json_handler([context](const auto& request, auto& reply) {
                  return complete(context, request, reply);
                })});
  }
}

}  // namespace pajamas
