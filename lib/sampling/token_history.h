// SPDX-License-Identifier: Apache-2.0
// The tokens that were accepted so far, and the penalties that follow from them.
//
// Plain state: copies are independent. Keeps as many tokens as the options look back at.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sampling/sampler_options.h"

namespace pajamas {

class TokenHistory {
 public:
  TokenHistory(const PenaltyOptions& penalties, const DryOptions& dry);

  void accept(std::int32_t id, std::string_view piece);
  void reset();

  // Whether a penalty may change a logit.
  [[nodiscard]] bool has_penalties() const { return counts_matter_ || dry_matters_; }
  void apply(std::span<float> logits) const;

 private:
  void apply_penalties(std::span<float> logits) const;
  void apply_dry(std::span<float> logits) const;
  void note_breakers(std::int32_t id, std::string_view piece);

  PenaltyOptions penalties_;
  DryOptions dry_;
  bool counts_matter_;
  bool dry_matters_;
  std::deque<std::int32_t> recent_;  // what the penalties look back at
  std::unordered_map<std::int32_t, std::int32_t> counts_;
  std::deque<std::int32_t> dry_tokens_;
  std::size_t since_breaker_ = 0;                  // tokens behind the one that a breaker ends in
  std::unordered_set<std::int32_t> breaking_ids_;  // accepted tokens that hold a whole breaker
  std::size_t longest_breaker_ = 0;
  std::string tail_;  // text in which a breaker may have begun
};

}  // namespace pajamas
