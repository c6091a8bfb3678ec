// SPDX-License-Identifier: Apache-2.0
// The stages that narrow the candidates for the next token. Each one does what the stage of the
// same name does in llama.cpp; tests/interop/test_sampling.py compares them.
//
// Pure functions over a list that the caller owns; a list is never made empty. Where logits are
// equal the lower id comes first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/random.h"
#include "sampling/token_mask.h"

namespace pajamas {

struct Candidate {
  std::int32_t id = 0;
  float logit = 0.0F;
  float p = 0.0F;  // set by softmax
};

struct CandidateList {
  std::vector<Candidate> items;
  bool sorted = false;  // by logit from high to low
};

// The `k` highest of the logits that are allowed and not -infinity, sorted; all of them, in order
// of id, for k = 0. One pass, no sort of the vocabulary. `allowed` may be null.
CandidateList select_candidates(std::span<const float> logits, const TokenMask* allowed,
                                std::size_t k);

// The highest logit's token; -1 when none is allowed.
std::int32_t argmax(std::span<const float> logits, const TokenMask* allowed);

void sort_by_logit(CandidateList& list);
void softmax(CandidateList& list);

void apply_typical_p(CandidateList& list, float p, std::size_t min_keep);
void apply_top_p(CandidateList& list, float p, std::size_t min_keep);
void apply_min_p(CandidateList& list, float p, std::size_t min_keep);
// The caller has decided by chance that it happens.
void apply_xtc(CandidateList& list, float threshold, std::size_t min_keep);
void apply_temperature(CandidateList& list, float temperature);
// Keeps candidates of at most `max_surprise` bits.
void apply_mirostat(CandidateList& list, float max_surprise);

// Index of one candidate, drawn by the probabilities p.
std::size_t draw(std::span<const Candidate> items, Rng& rng);

}  // namespace pajamas
