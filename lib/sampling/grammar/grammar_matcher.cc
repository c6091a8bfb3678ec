// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/grammar_matcher.h"

#include <utility>

namespace pajamas {
namespace {

// About 16 MiB of transitions and, for a vocabulary of 128k, 8 MiB of masks.
constexpr std::size_t kMaxKeptStates = 50'000;
constexpr std::size_t kMaxKeptMasks = 512;

std::unexpected<Error> too_ambiguous() {
  return make_error(ErrorCode::kUnsupported,
                    "grammar: too many ways to read the text so far, expected a less ambiguous "
                    "grammar");
}

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar,
                               std::shared_ptr<const TokenTrie> trie)
    : trie_(std::move(trie)),
      states_(std::move(grammar)),
      state_(states_.start()),
      no_tokens_(trie_->vocabulary_size()),
      path_(trie_->longest_piece_bytes() + 1) {}

void GrammarMatcher::reset() {
  state_ = states_.start();
  ended_ = false;
}

void GrammarMatcher::forget_when_large() {
  if (states_.count() <= kMaxKeptStates && masks_.size() <= kMaxKeptMasks) return;
  masks_.clear();
  if (states_.count() > kMaxKeptStates / 2) state_ = states_.keep_only(state_);
}

Result<const TokenMask*> GrammarMatcher::allowed() {
  if (ended_) return &no_tokens_;
  if (const auto known = masks_.find(state_); known != masks_.end()) return &known->second;
  forget_when_large();
  TokenMask mask(trie_->vocabulary_size());
  PJ_TRY(compute_mask(mask));
  return &masks_.emplace(state_, std::move(mask)).first->second;
}

Status GrammarMatcher::compute_mask(TokenMask& mask) {
  states_.begin_operation();
  const auto nodes = trie_->nodes();
  const auto tokens = trie_->tokens();
  const std::size_t last = nodes.size() - 1;
  path_[0] = state_;
  for (std::size_t at = 0; at < last;) {
    const TokenTrie::Node& node = nodes[at];
    const GrammarStates::State state = states_.next(path_[node.depth - 1], node.byte);
    if (state == GrammarStates::kDead) {
      at = node.behind;
      continue;
    }
    path_[node.depth] = state;
    ++at;
    for (std::size_t token = node.first_token; token < nodes[at].first_token; ++token) {
      mask.insert(static_cast<std::size_t>(tokens[token]));
    }
  }
  if (states_.is_exhausted()) return too_ambiguous();
  if (states_.is_accepting(state_)) {
    for (const std::int32_t id : trie_->end_of_generation()) {
      mask.insert(static_cast<std::size_t>(id));
    }
  }
  return {};
}

Result<GrammarStates::State> GrammarMatcher::state_behind(std::string_view bytes) {
  states_.begin_operation();
  GrammarStates::State state = state_;
  for (const char byte : bytes) {
    state = states_.next(state, static_cast<std::uint8_t>(byte));
    if (state == GrammarStates::kDead) break;
  }
  if (states_.is_exhausted()) return too_ambiguous();
  return state;
}

Result<bool> GrammarMatcher::allows(std::int32_t id) {
  if (id < 0 || static_cast<std::size_t>(id) >= trie_->vocabulary_size() || ended_) return false;
  const auto token = static_cast<std::size_t>(id);
  if (trie_->is_end_of_generation(token)) return may_end();
  const std::string& piece = trie_->piece(token);
  if (piece.empty()) return false;
  return PJ_TRY(state_behind(piece)) != GrammarStates::kDead;
}

Status GrammarMatcher::accept(std::int32_t id) {
  if (!PJ_TRY(allows(id))) {
    return make_error(ErrorCode::kInvalidData, "grammar: token {} is not allowed here", id);
  }
  forget_when_large();
  const auto token = static_cast<std::size_t>(id);
  if (trie_->is_end_of_generation(token)) {
    ended_ = true;
  } else {
    state_ = PJ_TRY(state_behind(trie_->piece(token)));
  }
  return {};
}

Status GrammarMatcher::accept_text(std::string_view bytes) {
  if (ended_) return make_error(ErrorCode::kInvalidData, "grammar: the text has ended");
  const GrammarStates::State state = PJ_TRY(state_behind(bytes));
  if (state == GrammarStates::kDead) {
    return make_error(ErrorCode::kInvalidData, "grammar: this text is not allowed here");
  }
  state_ = state;
  return {};
}

}  // namespace pajamas
