// SPDX-License-Identifier: Apache-2.0
#include "serve/chat_plan.h"

#include "serve/tools/tool_grammar.h"

namespace pajamas {

ApiResult<std::string> render_chat(const ServedModel& model, const ChatRequest& request) {
  PromptOptions options{.variables = request.template_variables};
  if (request.tool_use != ToolUse::kNone) options.tools = request.tools;
  auto prompt = model.render(request.messages, options);
  if (!prompt) return std::unexpected(to_error_body(prompt.error()));
  return std::move(*prompt);
}

ApiResult<std::vector<std::int32_t>> tokenize_chat(const ServedModel& model,
                                                   const std::string& prompt) {
  auto tokens = model.tokenize(prompt, {.is_rendered_chat = true});
  if (!tokens) return std::unexpected(to_error_body(tokens.error()));
  return std::move(*tokens);
}

ApiResult<AnswerPlan> plan_chat(const ServedModel& model, const ChatRequest& request,
                                ReasoningFormat format) {
  AnswerPlan plan;
  if (request.tool_use != ToolUse::kNone) plan.tools = request.tools;
  const std::string prompt = PJ_TRY(render_chat(model, request));
  const ThoughtTags* opened = thought_opened_by(prompt);
  format = request.reasoning_format.value_or(format);
  plan.thoughts = ThoughtSplitter(format, opened);
  const bool shows_thoughts =
      format == ReasoningFormat::kSplit && model.info().has_control_thoughts;
  GenerationJob job{.prompt = PJ_TRY(tokenize_chat(model, prompt)),
                    .sampling = request.sampling.options,
                    .stop = request.sampling.stop,
                    .max_tokens = request.sampling.max_tokens,
                    .grammar = request.grammar,
                    .grammar_after = opened != nullptr ? std::string(opened->close) : "",
                    .ignore_end = request.sampling.ignore_end,
                    .show_control = !plan.tools.is_null() || shows_thoughts};
  if (request.tool_use == ToolUse::kRequired) {
    job.grammar =
        PJ_TRY(tool_call_grammar(request.tools, request.forced_tool, request.parallel_tool_calls));
  }
  if (request.tool_use == ToolUse::kAuto && job.grammar == nullptr) {
    // A schema that no grammar can respect leaves the arguments free.
    if (auto grammar = free_call_grammar(request.tools)) job.call_grammar = std::move(*grammar);
    if (model.info().has_named_calls) job.argument_grammars = argument_grammars(request.tools);
  }
  for (std::int64_t choice = 0; choice < request.sampling.choices; ++choice) {
    plan.jobs.push_back(job);
    // Choices of one request differ, and the same request gives the same choices.
    if (job.sampling.seed) ++*job.sampling.seed;
  }
  return plan;
}

}  // namespace pajamas
