// SPDX-License-Identifier: Apache-2.0
#include "sampling/token_history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace pajamas {
namespace {

constexpr float kMostLogit = std::numeric_limits<float>::max();

// How many tokens the last ones have in common with those that end `distance` earlier, for each
// distance from 1 (the Z function of the reversed text).
std::vector<std::size_t> repeat_lengths(const std::vector<std::int32_t>& newest_first) {
  const std::size_t count = newest_first.size();
  std::vector<std::size_t> lengths(count, 0);
  std::size_t left = 0;
  std::size_t right = 0;  // newest_first[left, right) equals the front
  for (std::size_t at = 1; at < count; ++at) {
    std::size_t length = at < right ? std::min(right - at, lengths[at - left]) : 0;
    while (at + length < count && newest_first[length] == newest_first[at + length]) ++length;
    lengths[at] = length;
    if (at + length > right) {
      left = at;
      right = at + length;
    }
  }
  return lengths;
}

}  // namespace

TokenHistory::TokenHistory(const PenaltyOptions& penalties, const DryOptions& dry)
    : penalties_(penalties),
      dry_(dry),
      counts_matter_(
          penalties.last_n != 0 &&
          (penalties.repeat != 1.0F || penalties.frequency != 0.0F || penalties.presence != 0.0F)),
      dry_matters_(dry.multiplier != 0.0F && dry.base >= 1.0F && dry.last_n != 0) {
  for (const std::string& breaker : dry_.sequence_breakers) {
    longest_breaker_ = std::max(longest_breaker_, breaker.size());
  }
}

void TokenHistory::reset() {
  recent_.clear();
  counts_.clear();
  dry_tokens_.clear();
  since_breaker_ = 0;
  breaking_ids_.clear();
  tail_.clear();
}

void TokenHistory::accept(std::int32_t id, std::string_view piece) {
  if (counts_matter_) {
    recent_.push_back(id);
    ++counts_[id];
    if (penalties_.last_n > 0 && recent_.size() > static_cast<std::size_t>(penalties_.last_n)) {
      if (--counts_[recent_.front()] == 0) counts_.erase(recent_.front());
      recent_.pop_front();
    }
  }
  if (dry_matters_) {
    dry_tokens_.push_back(id);
    if (dry_.last_n > 0 && dry_tokens_.size() > static_cast<std::size_t>(dry_.last_n)) {
      dry_tokens_.pop_front();
    }
    note_breakers(id, piece);
  }
}

void TokenHistory::note_breakers(std::int32_t id, std::string_view piece) {
  ++since_breaker_;
  const std::size_t before = tail_.size();
  tail_ += piece;
  for (const std::string& breaker : dry_.sequence_breakers) {
    // One that ended in an earlier token was noted then.
    const std::size_t from = before >= breaker.size() ? before - breaker.size() + 1 : 0;
    if (tail_.find(breaker, from) != std::string::npos) since_breaker_ = 0;
    if (piece.find(breaker) != std::string_view::npos) breaking_ids_.insert(id);
  }
  if (tail_.size() >= longest_breaker_ && longest_breaker_ > 0) {
    tail_.erase(0, tail_.size() - (longest_breaker_ - 1));
  }
  if (longest_breaker_ == 0) tail_.clear();
}

void TokenHistory::apply(std::span<float> logits) const {
  if (counts_matter_) apply_penalties(logits);
  if (dry_matters_) apply_dry(logits);
}

void TokenHistory::apply_penalties(std::span<float> logits) const {
  for (const auto& [id, count] : counts_) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit <= 0.0F ? logit * penalties_.repeat : logit / penalties_.repeat;
    logit -= static_cast<float>(count) * penalties_.frequency + penalties_.presence;
    logit = std::min(logit, kMostLogit);
  }
}

void TokenHistory::apply_dry(std::span<float> logits) const {
  const std::size_t count = dry_tokens_.size();
  const auto allowed_length = static_cast<std::size_t>(dry_.allowed_length);
  const std::size_t reach = std::min(count, since_breaker_);
  if (count <= allowed_length || reach < allowed_length) return;
  const std::vector<std::int32_t> newest_first(dry_tokens_.rbegin(), dry_tokens_.rend());
  const auto lengths = repeat_lengths(newest_first);
  std::unordered_map<std::int32_t, std::size_t> longest;  // by the token that would go on
  for (std::size_t distance = 1; distance < count; ++distance) {
    const std::size_t length = std::min(lengths[distance], reach);
    if (length < allowed_length) continue;
    std::size_t& known = longest[newest_first[distance - 1]];
    known = std::max(known, length);
  }
  for (const auto& [id, length] : longest) {
    if (breaking_ids_.contains(id)) continue;  // it would end the repetition
    const auto exponent = static_cast<double>(length - allowed_length);
    const double penalty =
        static_cast<double>(dry_.multiplier) *
        std::min(std::pow(static_cast<double>(dry_.base), exponent), double{kMostLogit});
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = static_cast<float>(std::max(static_cast<double>(logit) - penalty, -double{kMostLogit}));
  }
}

}  // namespace pajamas
