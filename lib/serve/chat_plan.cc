// SPDX-License-Identifier: Apache-2.0
#include "serve/chat_plan.h"

#include "serve/tools/tool_grammar.h"

namespace pajamas {

ApiResult<std::string> render_chat(const TextGenerator& generator, const ChatRequest& request) {
  PromptOptions options{.variables = request.template_variables};
  if (request.tool_use != ToolUse::kNone) options.tools = request.tools;
  auto prompt = generator.render(request.messages, options);
  if (!prompt) return std::unexpected(to_error_body(prompt.error()));
  return std::move(*prompt);
}

ApiResult<std::vector<std::int32_t>> tokenize_chat(const TextGenerator& generator,
                                                   const ChatRequest& request) {
  const std::string prompt = PJ_TRY(render_chat(generator, request));
  // Templates write the tokens that begin a text themselves.
  auto tokens = generator.tokenize(prompt, {.add_special = false});
  if (!tokens) return std::unexpected(to_error_body(tokens.error()));
  return std::move(*tokens);
}

ApiResult<AnswerPlan> plan_chat(const TextGenerator& generator, const ChatRequest& request) {
  AnswerPlan plan;
  if (request.tool_use != ToolUse::kNone) plan.tools = request.tools;
  std::vector<std::int32_t> prompt = PJ_TRY(tokenize_chat(generator, request));
  GenerationJob job{.prompt = std::move(prompt),
                    .sampling = request.sampling.options,
                    .stop = request.sampling.stop,
                    .max_tokens = request.sampling.max_tokens,
                    .grammar = request.grammar,
                    .ignore_end = request.sampling.ignore_end,
                    .show_control = !plan.tools.is_null()};
  if (request.tool_use == ToolUse::kRequired) {
    job.grammar =
        PJ_TRY(tool_call_grammar(request.tools, request.forced_tool, request.parallel_tool_calls));
  }
  for (std::int64_t choice = 0; choice < request.sampling.choices; ++choice) {
    plan.jobs.push_back(job);
    // Choices of one request differ, and the same request gives the same choices.
    if (job.sampling.seed) ++*job.sampling.seed;
  }
  return plan;
}

}  // namespace pajamas
