// SPDX-License-Identifier: Apache-2.0
#include "serve/answer_run.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "serve/answer_parser.h"

namespace pajamas {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Puts what a request does into the metrics of its model.
class MeteredRun {
 public:
  explicit MeteredRun(ModelMetrics& metrics) : metrics_(metrics) { ++metrics_.requests; }
  MeteredRun(const MeteredRun&) = delete;
  MeteredRun& operator=(const MeteredRun&) = delete;
  ~MeteredRun() {
    metrics_.request_seconds.add(seconds_since(begin_));
    if (tokens_ < 2) return;
    metrics_.token_seconds.add(seconds_since(first_token_) / static_cast<double>(tokens_ - 1));
  }
  void note_token() {
    ++metrics_.completion_tokens;
    if (tokens_++ > 0) return;
    first_token_ = Clock::now();
    metrics_.first_token_seconds.add(seconds_since(begin_));
  }
  void note_prompt(const Usage& usage) {
    metrics_.prompt_tokens += static_cast<std::uint64_t>(usage.prompt_tokens);
    metrics_.cached_tokens += static_cast<std::uint64_t>(usage.cached_tokens);
  }
  void note_end(std::string_view reason) { metrics_.note_end(reason); }

 private:
  ModelMetrics& metrics_;
  std::int64_t tokens_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point first_token_{};
};

std::string finish_reason_of(const GenerationStep& step, bool has_calls) {
  if (step.end == GenerationStep::End::kLength) return "length";
  return has_calls ? "tool_calls" : "stop";
}

// For the metrics.
std::string_view end_of(ErrorCode code) {
  if (code == ErrorCode::kCancelled) return "cancelled";  // the client has gone
  return code == ErrorCode::kNoSpace ? "refused" : "error";
}

// Collects the whole answer.
class WholeAnswer : public AnswerSink {
 public:
  WholeAnswer(std::size_t choices, const AnswerOptions& options)
      : choices_(choices), options_(options) {
    for (std::size_t at = 0; at < options.echo.size(); ++at) choices_[at].text = options.echo[at];
  }
  Status begin() override { return {}; }
  Status add(std::size_t choice, const std::vector<AnswerPart>& parts,
             const GenerationStep& step) override {
    ChoiceResult& result = choices_[choice];
    for (const AnswerPart& part : parts) result.add(part);
    if (options_.with_logprobs && step.token) result.steps.push_back(step);
    return {};
  }
  Status end(std::size_t choice, const std::string& finish_reason, const std::string&) override {
    choices_[choice].finish_reason = finish_reason;
    return {};
  }
  Status finish(const Usage&) override { return {}; }

  [[nodiscard]] const std::vector<ChoiceResult>& choices() const { return choices_; }

 private:
  std::vector<ChoiceResult> choices_;
  const AnswerOptions& options_;
};

// Sends chunks as they come.
class StreamedAnswer : public AnswerSink {
 public:
  StreamedAnswer(AnswerWriter writer, const AnswerOptions& options, std::size_t choices,
                 http::Reply& reply)
      : writer_(std::move(writer)), options_(options), calls_(choices), reply_(reply) {
    if (options.stream.include_usage) writer_.announce_usage();
  }
  Status begin() override {
    PJ_TRY(reply_.begin_events());
    for (std::size_t choice = 0; choice < calls_.size(); ++choice) {
      if (options_.shape == AnswerShape::kChat) PJ_TRY(send(writer_.first_chunk(choice)));
      if (choice < options_.echo.size() && !options_.echo[choice].empty()) {
        PJ_TRY(send(writer_.text_chunk(choice, options_.echo[choice], nullptr)));
      }
    }
    return {};
  }
  Status add(std::size_t choice, const std::vector<AnswerPart>& parts,
             const GenerationStep& step) override {
    // With the first part, or with an empty one: every token's are sent.
    const GenerationStep* logprobs_of = options_.with_logprobs && step.token ? &step : nullptr;
    for (const AnswerPart& part : parts) {
      if (part.kind == AnswerPart::Kind::kCall) ++calls_[choice];
      const std::size_t call = calls_[choice] > 0 ? calls_[choice] - 1 : 0;
      PJ_TRY(send(writer_.part_chunk(choice, part, call, std::exchange(logprobs_of, nullptr))));
    }
    if (logprobs_of != nullptr) PJ_TRY(send(writer_.text_chunk(choice, "", logprobs_of)));
    return {};
  }
  Status end(std::size_t choice, const std::string& finish_reason, const std::string&) override {
    return send(writer_.last_chunk(choice, finish_reason));
  }
  Status finish(const Usage& usage) override {
    if (options_.stream.include_usage) PJ_TRY(send(writer_.usage_chunk(usage)));
    return reply_.write_event("[DONE]");
  }

 private:
  Status send(const Json& chunk) { return reply_.write_event(http::dump_json(chunk)); }

  AnswerWriter writer_;
  const AnswerOptions& options_;
  std::vector<std::size_t> calls_;  // begun so far, per choice
  http::Reply& reply_;
};

Usage usage_of(const AnswerPlan& plan) {
  Usage usage;
  const std::size_t per_prompt = plan.jobs.size() / static_cast<std::size_t>(plan.prompts);
  for (std::size_t at = 0; at < plan.jobs.size(); at += per_prompt) {
    usage.prompt_tokens += static_cast<std::int64_t>(plan.jobs[at].prompt.size());
  }
  return usage;
}

}  // namespace

ApiResult<Usage> run_answer(ServedModel& model, const AnswerPlan& plan, AnswerSink& sink,
                            Metrics& metrics, const CancelToken& cancel) {
  const std::int64_t context = model.info().context;
  for (const GenerationJob& job : plan.jobs) {
    const auto length = static_cast<std::int64_t>(job.prompt.size());
    if (length < context) continue;
    return std::unexpected(http::ErrorBody{
        .status = 400,
        .message = fmt::format("the prompt has {} tokens and the context holds {}: shorten it, or "
                               "start the server with a larger --context",
                               length, context),
        .code = "context_length_exceeded"});
  }
  Usage usage = usage_of(plan);
  MeteredRun run(metrics.of(model.info().id));
  std::vector<AnswerParser> parsers(plan.jobs.size(), AnswerParser(plan.thoughts, plan.tools));
  bool has_begun = false;
  const auto take = [&](const GenerationStep& step) -> Status {
    if (!std::exchange(has_begun, true)) PJ_TRY(sink.begin());
    AnswerParser& parser = parsers[step.job];
    const bool was_thinking = parser.is_thinking();
    std::vector<AnswerPart> parts = parser.push(step.text);
    if (step.token) {
      ++usage.completion_tokens;
      if (was_thinking || parser.is_thinking()) ++usage.thought_tokens;
      run.note_token();
    }
    const bool is_end = step.end != GenerationStep::End::kNo;
    if (is_end) std::ranges::move(parser.finish(), std::back_inserter(parts));
    PJ_TRY(sink.add(step.job, parts, step));
    if (!is_end) return {};
    usage.cached_tokens = std::max(usage.cached_tokens, step.cached_tokens);
    const std::string reason = finish_reason_of(step, parser.has_calls());
    run.note_end(reason);
    return sink.end(step.job, reason, step.stop_text);
  };
  Status status = model.generate(plan.jobs, take, cancel);
  if (status) status = sink.finish(usage);
  run.note_prompt(usage);
  if (status) return usage;
  run.note_end(end_of(status.error().code));
  return std::unexpected(to_error_body(status.error()));
}

ApiResult<Json> answer_request(ServedModel& model, const AnswerPlan& plan,
                               const AnswerOptions& options, Metrics& metrics, http::Reply& reply) {
  AnswerWriter writer(options.shape, model.info().id);
  if (!options.stream.stream) {
    WholeAnswer answer(plan.jobs.size(), options);
    const Usage usage = PJ_TRY(run_answer(model, plan, answer, metrics, reply.cancel()));
    return writer.whole(answer.choices(), usage, options.with_logprobs);
  }
  StreamedAnswer answer(std::move(writer), options, plan.jobs.size(), reply);
  const auto usage = run_answer(model, plan, answer, metrics, reply.cancel());
  if (!usage && !reply.has_begun()) return std::unexpected(usage.error());
  // Behind the head there is no status any more: the error is an event, and no [DONE] follows.
  if (!usage)
    static_cast<void>(reply.write_event(http::dump_json(http::error_json(usage.error()))));
  return Json();
}

}  // namespace pajamas
