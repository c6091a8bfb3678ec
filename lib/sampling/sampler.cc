// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace pajamas {
namespace {

std::uint64_t new_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// One branch per block, so that the check costs little beside reading the logits.
std::size_t first_not_finite(std::span<const float> logits) {
  constexpr std::size_t kBlock = 64;
  constexpr std::uint32_t kExponent = 0x7F800000;
  for (std::size_t start = 0; start < logits.size(); start += kBlock) {
    const auto block = logits.subspan(start, std::min(kBlock, logits.size() - start));
    bool is_bad = false;
    for (const float logit : block) {
      is_bad |= (std::bit_cast<std::uint32_t>(logit) & kExponent) == kExponent;
    }
    if (!is_bad) continue;
    const auto bad =
        std::find_if(block.begin(), block.end(), [](float x) { return !std::isfinite(x); });
    return start + static_cast<std::size_t>(bad - block.begin());
  }
  return logits.size();
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options, const VocabularyView& vocabulary)
    : options_(options),
      vocabulary_(vocabulary),
      seed_(options.seed ? *options.seed : new_seed()),
      rng_(seed_),
      history_(options.penalties, options.dry),
      mirostat_mu_(2.0F * options.mirostat.tau) {}

Result<Sampler> Sampler::create(const SamplerOptions& options, const VocabularyView& vocabulary) {
  const std::size_t size = vocabulary.pieces.size();
  if (size == 0 || size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a vocabulary of {} tokens, expected 1 to 2^31 - 1", size);
  }
  PJ_TRY(check_sampler_options(options, size));
  return Sampler(options, vocabulary);
}

void Sampler::reset() {
  rng_ = Rng(seed_);
  history_.reset();
  mirostat_mu_ = 2.0F * options_.mirostat.tau;
}

Status Sampler::accept(std::int32_t id) {
  if (id < 0 || static_cast<std::size_t>(id) >= vocabulary_.pieces.size()) {
    return make_error(ErrorCode::kInvalidArgument, "token {} is not in the vocabulary of {}", id,
                      vocabulary_.pieces.size());
  }
  history_.accept(id, vocabulary_.pieces[static_cast<std::size_t>(id)]);
  return {};
}

Status Sampler::check_logits(std::span<const float> logits, const TokenMask* allowed) const {
  const std::size_t size = vocabulary_.pieces.size();
  if (logits.size() != size || (allowed != nullptr && allowed->tokens() != size)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "{} logits and a mask of {} tokens for a vocabulary of {}", logits.size(),
                      allowed == nullptr ? size : allowed->tokens(), size);
  }
  if (const std::size_t bad = first_not_finite(logits); bad < size) {
    return make_error(ErrorCode::kInvalidData,
                      "the logit of token {} is {}, expected finite numbers; the model's weights "
                      "or its computation are damaged",
                      bad, logits[bad]);
  }
  return {};
}

std::span<const float> Sampler::adjusted(std::span<const float> logits) {
  if (options_.logit_bias.empty() && !history_.has_penalties()) return logits;
  scratch_.assign(logits.begin(), logits.end());
  for (const LogitBias& bias : options_.logit_bias) {
    float& logit = scratch_[static_cast<std::size_t>(bias.id)];
    logit = std::min(logit + bias.bias, std::numeric_limits<float>::max());
  }
  history_.apply(scratch_);
  return scratch_;
}

void Sampler::narrow() {
  const auto min_keep = static_cast<std::size_t>(options_.min_keep);
  if (options_.mirostat.enabled) {
    apply_temperature(candidates_, options_.temperature);
    apply_mirostat(candidates_, mirostat_mu_);
    return;
  }
  apply_typical_p(candidates_, options_.typical_p, min_keep);
  apply_top_p(candidates_, options_.top_p, min_keep);
  apply_min_p(candidates_, options_.min_p, min_keep);
  if (options_.xtc.probability > 0.0F &&
      rng_.uniform() < static_cast<double>(options_.xtc.probability)) {
    apply_xtc(candidates_, options_.xtc.threshold, min_keep);
  }
  apply_temperature(candidates_, options_.temperature);
}

Result<std::span<const Candidate>> Sampler::distribution(std::span<const float> logits,
                                                         const TokenMask* allowed) {
  PJ_TRY(check_logits(logits, allowed));
  const std::span<const float> scores = adjusted(logits);
  if (options_.temperature == 0.0F) {
    candidates_.items.clear();
    if (const std::int32_t id = argmax(scores, allowed); id >= 0) {
      candidates_.items.push_back({id, scores[static_cast<std::size_t>(id)], 1.0F});
    }
  } else {
    const auto top_k = static_cast<std::size_t>(options_.top_k);
    candidates_ = select_candidates(scores, allowed, options_.mirostat.enabled ? 0 : top_k);
  }
  if (candidates_.items.empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "no token may be chosen: the grammar or logit_bias excludes all of them");
  }
  if (options_.temperature != 0.0F) {
    narrow();
    softmax(candidates_);
  }
  return std::span<const Candidate>(candidates_.items);
}

Result<Sampled> Sampler::sample(std::span<const float> logits, const TokenMask* allowed) {
  const std::span<const Candidate> items = PJ_TRY(distribution(logits, allowed));
  const Candidate& chosen = items[draw(items, rng_)];
  if (options_.mirostat.enabled && options_.temperature != 0.0F) {
    const float surprise = -std::log2(chosen.p);
    mirostat_mu_ -= options_.mirostat.eta * (surprise - options_.mirostat.tau);
  }
  Sampled sampled{.id = chosen.id};
  if (options_.top_logprobs) add_logprobs(logits, sampled);
  return sampled;
}

void Sampler::add_logprobs(std::span<const float> logits, Sampled& sampled) const {
  const float highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += static_cast<double>(std::exp(logit - highest));
  const auto logprob_of = [&](float logit) {
    return static_cast<float>(static_cast<double>(logit - highest) - std::log(sum));
  };
  sampled.logprob = logprob_of(logits[static_cast<std::size_t>(sampled.id)]);
  if (*options_.top_logprobs == 0) return;
  const auto top =
      select_candidates(logits, nullptr, static_cast<std::size_t>(*options_.top_logprobs));
  for (const Candidate& item : top.items) {
    sampled.top_logprobs.push_back({item.id, logprob_of(item.logit)});
  }
  std::sort(sampled.top_logprobs.begin(), sampled.top_logprobs.end(),
            [](const TokenLogprob& a, const TokenLogprob& b) {
              return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
            });
}

}  // namespace pajamas
