// SPDX-License-Identifier: Apache-2.0
// Follows a grammar token by token and says which tokens may come next.
//
//   auto grammar = PJ_TRY(Grammar::parse(text));
//   auto trie = PJ_TRY(TokenTrie::create(vocabulary));      // once per model
//   GrammarMatcher matcher(grammar, trie);                  // one per sequence
//   const Sampled next = PJ_TRY(sampler.sample(logits, PJ_TRY(matcher.allowed())));
//   PJ_TRY(matcher.accept(next.id));
//
// Copies are independent. One thread at a time. Pieces may hold parts of UTF-8 sequences. Masks
// are kept by state, so a place that was seen before costs nothing; memory is bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "sampling/grammar/grammar.h"
#include "sampling/grammar/grammar_states.h"
#include "sampling/grammar/token_trie.h"
#include "sampling/token_mask.h"

namespace pajamas {

class GrammarMatcher {
 public:
  // Both are shared with the matchers of other sequences.
  GrammarMatcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie);

  // Every token that may come next; end-of-generation tokens where the text may end. Valid until
  // the next call. A grammar so ambiguous that this takes about a second is an error.
  Result<const TokenMask*> allowed();

  // The same question for one token, without the whole mask.
  Result<bool> allows(std::int32_t id);

  // Goes on behind a token. One that is not allowed is an error and changes nothing.
  Status accept(std::int32_t id);
  // The same for text, as when an answer begins with given words.
  Status accept_text(std::string_view bytes);

  [[nodiscard]] bool may_end() const { return !ended_ && states_.is_accepting(state_); }
  [[nodiscard]] bool has_ended() const { return ended_; }  // behind an end-of-generation token
  void reset();

 private:
  Result<GrammarStates::State> state_behind(std::string_view bytes);
  Status compute_mask(TokenMask& mask);
  void forget_when_large();

  std::shared_ptr<const TokenTrie> trie_;
  GrammarStates states_;
  GrammarStates::State state_;
  bool ended_ = false;
  std::unordered_map<GrammarStates::State, TokenMask> masks_;
  TokenMask no_tokens_;
  std::vector<GrammarStates::State> path_;  // scratch: the state at each depth of the trie
};

}  // namespace pajamas
