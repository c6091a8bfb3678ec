// SPDX-License-Identifier: Apache-2.0
// What is kept of the original's distribution at one position, and how far another model's is from
// it.
//
// Kept are the log-probabilities of the most likely tokens, as exact F32, and the probability of
// all others in one number. The tokens left out hold at most kMaxRest together, which is why a row
// of a vocabulary of 128 000 shrinks to a tenth; KL over the kept tokens and the rest as one more
// token is at most that much smaller than over all. Equal logits give a KL of exactly 0.
//
// Plain values; the functions are pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/log_softmax.h"

namespace pajamas {

inline constexpr double kMaxRest = 1e-5;

struct ReferenceRow {
  std::int32_t top = 0;                  // the most likely token
  double target_log_probability = 0;     // of the token that follows in the text
  double rest = 0;                       // probability of the tokens that are not listed
  std::vector<std::int32_t> ids;         // ascending
  std::vector<float> log_probabilities;  // parallel to ids
};

ReferenceRow make_reference_row(std::span<const float> logits, const Normalizer& normalizer,
                                std::int32_t target);

struct RowDivergence {
  double nll = 0;                // of the token that follows, by the other model
  float kl = 0;                  // of the other from the original, in nats; never negative
  float probability_change = 0;  // of the token that follows, other minus original
  bool same_top = false;
};

// `logits`: of the other model at the same position, of the same vocabulary.
RowDivergence compare_row(const ReferenceRow& reference, std::span<const float> logits,
                          const Normalizer& normalizer, std::int32_t target);

}  // namespace pajamas
