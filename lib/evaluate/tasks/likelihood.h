// SPDX-License-Identifier: Apache-2.0
// How likely a model finds continuations of texts: what all tasks by likelihood are made of.
//
// What several requests begin with is computed once (prefix_tree.h), and what the next call begins
// with is kept; logits are computed only where a token of a continuation is predicted. The results
// have the same bits for any order and number of requests, threads and micro-batch.
//
// Borrows the engine and the text, and holds a sequence of the engine's cache while it lives. One
// call at a time. An error leaves it usable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "evaluate/tasks/prefix_tree.h"
#include "evaluate/tasks/request_tokens.h"
#include "generation/model_text.h"
#include "runtime/engine.h"

namespace pajamas {

struct Likelihood {
  double log_probability = 0;  // of the whole continuation, in nats
  bool is_greedy = false;      // each token of it is the most likely one at its place
  std::int64_t tokens = 0;     // of the continuation
};

class LikelihoodScorer {
 public:
  LikelihoodScorer(Engine& engine, const ModelText& text)
      : engine_(engine), text_(text), trunk_(engine.new_sequence()) {}

  // One result for each request, in their order.
  Result<std::vector<Likelihood>> score(std::span<const LikelihoodRequest> requests,
                                        const CancelToken& cancel);

  // Tokens that went through the model so far.
  [[nodiscard]] std::int64_t computed_tokens() const { return computed_tokens_; }

 private:
  struct Scored;  // a request's tokens and what is known about them
  struct Pass;    // requests that go through together

  // The longest beginning of `requests` that the cache and one pass have room for.
  [[nodiscard]] Pass plan_pass(std::span<Scored* const> requests);
  Status run_pass(const Pass& pass, const CancelToken& cancel);
  // The nodes first to last - 1 of the pass's tree; sequences[node] holds what stands before it.
  Status run_level(const Pass& pass, std::size_t first, std::size_t last,
                   std::span<Sequence* const> sequences, const CancelToken& cancel);

  Engine& engine_;
  const ModelText& text_;
  Sequence trunk_;  // what all requests of the last pass began with
  std::int64_t computed_tokens_ = 0;
};

}  // namespace pajamas
