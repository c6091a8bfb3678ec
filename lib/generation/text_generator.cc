// SPDX-License-Identifier: Apache-2.0
#include "generation/text_generator.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "sampling/grammar/grammar_matcher.h"
#include "sampling/sampler.h"
#include "sampling/stop_strings.h"
#include "text/stream_decoder.h"

namespace pajamas {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Ids to text that may be shown: whole characters, and nothing that may become a stop string.
class TextStream {
 public:
  static Result<TextStream> create(const Tokenizer& tokenizer, const GenerationOptions& options) {
    StopStrings stops = PJ_TRY(StopStrings::create(options.stop));
    return TextStream(tokenizer, std::move(stops), options.show_special);
  }

  // True when a stop string is complete.
  bool push(std::int32_t id, const TextGenerator::OnText& on_text) {
    const std::string decoded = decoder_.push(id);
    const StopStrings::Output output = stops_.push(decoded);
    if (!output.text.empty()) on_text(output.text);
    return output.stop.has_value();
  }
  void finish(const TextGenerator::OnText& on_text) {
    if (stops_.has_stopped()) return;
    std::string rest = stops_.push(decoder_.flush()).text;
    if (!stops_.has_stopped()) rest += stops_.finish();
    if (!rest.empty()) on_text(rest);
  }

 private:
  TextStream(const Tokenizer& tokenizer, StopStrings stops, bool show_special)
      : decoder_(tokenizer, {.skip_special = !show_special}), stops_(std::move(stops)) {}

  StreamDecoder decoder_;
  StopStrings stops_;
};

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  constexpr std::array<std::string_view, 5> kNames = {"end", "stop_string", "max_tokens",
                                                      "context_full", "cancelled"};
  return kNames[static_cast<std::size_t>(reason)];
}

Result<std::span<const float>> TextGenerator::evaluate_prompt(Sequence& sequence,
                                                              std::span<const std::int32_t> prompt,
                                                              GenerationResult& result,
                                                              const CancelToken& cancel) {
  if (prompt.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the prompt has no tokens; give some text to go on from");
  }
  if (static_cast<std::int64_t>(prompt.size()) >= engine_.context()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the prompt has {} tokens, the context {}, and the answer needs room too; "
                      "raise --context or shorten the prompt",
                      prompt.size(), engine_.context());
  }
  const auto known = sequence.tokens();
  const auto common = static_cast<std::int64_t>(
      std::ranges::mismatch(known, prompt.first(prompt.size() - 1)).in1 - known.begin());
  sequence.truncate(common);
  result.cached_tokens = common;
  result.prompt_tokens = static_cast<std::int64_t>(prompt.size());
  const Clock::time_point start = Clock::now();
  const auto logits =
      PJ_TRY(engine_.prefill(sequence, prompt.subspan(static_cast<std::size_t>(common)), cancel));
  result.prompt_seconds = seconds_since(start);
  return logits;
}

Result<GenerationResult> TextGenerator::run(Sequence& sequence,
                                            std::span<const std::int32_t> prompt,
                                            const GenerationOptions& options, const OnText& on_text,
                                            const CancelToken& cancel) {
  Sampler sampler = PJ_TRY(Sampler::create(options.sampling, text_.vocabulary()));
  TextStream stream = PJ_TRY(TextStream::create(text_.tokenizer(), options));
  std::optional<GrammarMatcher> matcher;
  if (options.grammar != nullptr) matcher.emplace(options.grammar, PJ_TRY(text_.token_trie()));

  GenerationResult result{.finish = FinishReason::kMaxTokens, .seed = sampler.seed()};
  std::span<const float> logits = PJ_TRY(evaluate_prompt(sequence, prompt, result, cancel));
  for (const std::int32_t id : prompt) PJ_TRY(sampler.accept(id));

  const Clock::time_point start = Clock::now();
  while (options.max_tokens < 0 || result.generated_tokens < options.max_tokens) {
    const TokenMask* allowed = matcher ? PJ_TRY(matcher->allowed()) : nullptr;
    const Sampled next = PJ_TRY(sampler.sample(logits, allowed));
    const bool is_end = text_.tokenizer().is_end_of_generation(next.id);
    if (is_end && !options.ignore_end) {
      result.finish = FinishReason::kEnd;
      break;
    }
    PJ_TRY(sampler.accept(next.id));
    if (matcher) PJ_TRY(matcher->accept(next.id));
    ++result.generated_tokens;
    if (stream.push(next.id, on_text)) {
      result.finish = FinishReason::kStopString;
      break;
    }
    if (cancel.is_cancelled()) {
      result.finish = FinishReason::kCancelled;
      break;
    }
    if (sequence.length() >= engine_.context()) {
      if (!options.shift_context) {
        result.finish = FinishReason::kContextFull;
        break;
      }
      PJ_TRY(engine_.shift_context(sequence, options.keep, cancel));
    }
    const std::array<NextToken, 1> step = {{{&sequence, next.id}}};
    const auto computed = engine_.decode(step, cancel);
    if (!computed && computed.error().code == ErrorCode::kCancelled) {
      result.finish = FinishReason::kCancelled;
      break;
    }
    logits = PJ_TRY(computed);
  }
  result.generation_seconds = seconds_since(start);
  stream.finish(on_text);
  return result;
}

}  // namespace pajamas
