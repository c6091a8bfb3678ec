// SPDX-License-Identifier: Apache-2.0
// One answer in the making: logits in, text out. Chooses the token, follows the grammar, turns
// tokens into whole characters, looks for stop strings, and knows when the answer is complete.
//
// Used by one thread at a time. Borrows the model's text.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "generation/model_text.h"
#include "sampling/grammar/grammar_matcher.h"
#include "sampling/sampler.h"
#include "sampling/stop_strings.h"
#include "sampling/token_mask.h"
#include "serve/served_model.h"
#include "serve/tools/call_watch.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace pajamas {

class TokenStream {
 public:
  // `max_tokens` at least 1. The job and the text must outlive the stream.
  static Result<TokenStream> create(const GenerationJob& job, std::int64_t max_tokens,
                                    const ModelText& text);

  // One step of the answer. Not to be called again behind one that is an end.
  Result<GenerationStep> next(std::span<const float> logits);

 private:
  TokenStream(const GenerationJob& job, std::int64_t max_tokens, const Tokenizer& tokenizer,
              Sampler sampler, StopStrings stops);
  Status follow(std::int32_t id);
  // Whether calls in a free answer are held to something.
  [[nodiscard]] bool constrains_calls() const {
    return job_->call_grammar != nullptr || !job_->argument_grammars.empty();
  }
  Status end_thought(std::string_view bytes);
  const TokenMask* all_but_end(std::size_t tokens);
  [[nodiscard]] TokenChoice choice_of(std::int32_t id, float logprob) const;

  const GenerationJob* job_;
  const Tokenizer* tokenizer_;
  std::int64_t left_;
  Sampler sampler_;
  StopStrings stops_;
  StreamDecoder decoder_;
  std::shared_ptr<const TokenTrie> trie_{};  // shared by all streams of the model; null: no grammar
  std::optional<GrammarMatcher> matcher_{};
  CallWatch watch_{};
  // While the answer is in a thought that the prompt began: the text that ends it, and what was
  // said since it could have begun.
  std::string thought_end_{};
  std::string thought_{};
  TokenMask all_but_end_{};
};

}  // namespace pajamas
