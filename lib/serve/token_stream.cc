// SPDX-License-Identifier: Apache-2.0
#include "serve/token_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "serve/tools/tag_match.h"

namespace pajamas {

Result<TokenStream> TokenStream::create(const GenerationJob& job, std::int64_t max_tokens,
                                        const ModelText& text) {
  SamplerOptions options = job.sampling;
  if (job.ignore_end) {
    for (const std::int32_t id : text.tokenizer().end_of_generation_ids()) {
      options.logit_bias.push_back({id, -std::numeric_limits<float>::infinity()});
    }
  }
  Sampler sampler = PJ_TRY(Sampler::create(options, text.vocabulary()));
  for (const std::int32_t id : job.prompt) PJ_TRY(sampler.accept(id));
  StopStrings stops = PJ_TRY(StopStrings::create(job.stop));
  TokenStream stream(job, max_tokens, text.tokenizer(), std::move(sampler), std::move(stops));
  if (job.grammar != nullptr || stream.constrains_calls()) {
    stream.trie_ = PJ_TRY(text.token_trie());
  }
  stream.thought_end_ = job.grammar_after;
  if (job.grammar != nullptr && stream.thought_end_.empty()) {
    stream.matcher_.emplace(job.grammar, stream.trie_);
  }
  return stream;
}

TokenStream::TokenStream(const GenerationJob& job, std::int64_t max_tokens,
                         const Tokenizer& tokenizer, Sampler sampler, StopStrings stops)
    : job_(&job),
      tokenizer_(&tokenizer),
      left_(max_tokens),
      sampler_(std::move(sampler)),
      stops_(std::move(stops)),
      decoder_(tokenizer, {.skip_special = !job.show_control}) {}

// Lets the grammar see the token, and has a call's grammar begin and end with the call.
Status TokenStream::follow(std::int32_t id) {
  if (!thought_end_.empty()) {
    return end_thought(tokenizer_->is_control(id) ? tokenizer_->text(id) : tokenizer_->piece(id));
  }
  if (matcher_) {
    PJ_TRY(matcher_->accept(id));
    if (constrains_calls() && matcher_->may_end()) {
      matcher_.reset();
      watch_.end_call();
    }
    return {};
  }
  if (!constrains_calls()) return {};
  const auto begun =
      watch_.push(tokenizer_->is_control(id) ? tokenizer_->text(id) : tokenizer_->piece(id));
  if (!begun) return {};
  std::shared_ptr<const Grammar> grammar = job_->call_grammar;
  if (!begun->tool.empty()) {
    const auto found = job_->argument_grammars.find(begun->tool);
    grammar = found != job_->argument_grammars.end() ? found->second : nullptr;
  }
  if (grammar == nullptr) return {};
  matcher_.emplace(std::move(grammar), trie_);
  // One token may have brought more than the grammar allows; the call is then free like the text.
  if (!matcher_->accept_text(begun->json)) matcher_.reset();
  return {};
}

// Looks for the end of the thought; from there on grammars count.
Status TokenStream::end_thought(std::string_view bytes) {
  thought_ += bytes;
  const std::size_t at = thought_.find(thought_end_);
  if (at == std::string::npos) {
    if (thought_.size() > thought_end_.size()) {
      thought_.erase(0, thought_.size() - thought_end_.size());
    }
    return {};
  }
  const std::string rest(trim_left(std::string_view(thought_).substr(at + thought_end_.size())));
  thought_end_.clear();
  thought_.clear();
  if (job_->grammar == nullptr) return {};
  matcher_.emplace(job_->grammar, trie_);
  if (rest.empty() || matcher_->accept_text(rest)) return {};
  return make_error(ErrorCode::kInternal,
                    "the model began its answer with {} in the token that ended its thought, and "
                    "the answer's format does not allow that",
                    Json(rest).dump(-1, ' ', false, Json::error_handler_t::replace));
}

// An answer whose format is given does not end inside a thought.
const TokenMask* TokenStream::all_but_end(std::size_t tokens) {
  if (all_but_end_.tokens() == tokens) return &all_but_end_;
  all_but_end_ = TokenMask(tokens);
  for (std::size_t id = 0; id < tokens; ++id) all_but_end_.insert(id);
  for (const std::int32_t id : tokenizer_->end_of_generation_ids()) {
    all_but_end_.erase(static_cast<std::size_t>(id));
  }
  return &all_but_end_;
}

TokenChoice TokenStream::choice_of(std::int32_t id, float logprob) const {
  const std::string_view piece = tokenizer_->piece(id);
  return {id, std::string(piece), logprob};
}

Result<GenerationStep> TokenStream::next(std::span<const float> logits) {
  const TokenMask* allowed = nullptr;
  if (matcher_) allowed = PJ_TRY(matcher_->allowed());
  if (!thought_end_.empty() && job_->grammar != nullptr) allowed = all_but_end(logits.size());
  const Sampled sampled = PJ_TRY(sampler_.sample(logits, allowed));
  GenerationStep step;
  if (tokenizer_->is_end_of_generation(sampled.id) && !job_->ignore_end) {
    step.text = stops_.push(decoder_.flush()).text + stops_.finish();
    step.end = GenerationStep::End::kStop;
    return step;
  }
  PJ_TRY(sampler_.accept(sampled.id));
  PJ_TRY(follow(sampled.id));
  step.token = choice_of(sampled.id, sampled.logprob.value_or(0.0F));
  for (const TokenLogprob& top : sampled.top_logprobs) {
    step.top.push_back(choice_of(top.id, top.logprob));
  }
  --left_;
  StopStrings::Output shown = stops_.push(decoder_.push(sampled.id));
  step.text = std::move(shown.text);
  if (!shown.stop && left_ == 0) {
    shown = stops_.push(decoder_.flush());
    step.text += shown.text;
    if (!shown.stop) step.text += stops_.finish();
    step.end = GenerationStep::End::kLength;
  }
  if (shown.stop) {
    step.end = GenerationStep::End::kStop;
    step.stop_text = job_->stop[*shown.stop];
  }
  return step;
}

}  // namespace pajamas
