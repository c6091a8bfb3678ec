// SPDX-License-Identifier: Apache-2.0
// From logits to a token: bias, penalties, truncations, temperature, chance (docs/sampling.md).
//
//   Sampler sampler = PJ_TRY(Sampler::create({.temperature = 0.7F, .seed = 1}, vocabulary));
//   for (std::int32_t id : prompt) PJ_TRY(sampler.accept(id));
//   const Sampled next = PJ_TRY(sampler.sample(logits));
//   PJ_TRY(sampler.accept(next.id));
//
// The vocabulary's pieces must outlive the sampler and its copies. Copies are independent and go on
// from the same state. One thread at a time. The same options, seed and logits give the same
// tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "sampling/candidates.h"
#include "sampling/random.h"
#include "sampling/sampler_options.h"
#include "sampling/token_history.h"
#include "sampling/token_mask.h"
#include "sampling/vocabulary_view.h"

namespace pajamas {

struct TokenLogprob {
  std::int32_t id = 0;
  float logprob = 0.0F;
};

struct Sampled {
  std::int32_t id = 0;
  // When asked for: natural logarithms of the model's own probabilities, before any option.
  std::optional<float> logprob{};
  std::vector<TokenLogprob> top_logprobs{};  // likeliest first
};

class Sampler {
 public:
  static Result<Sampler> create(const SamplerOptions& options, const VocabularyView& vocabulary);

  // One logit per token, all finite. `allowed` narrows the choice, as a grammar does; null: all.
  Result<Sampled> sample(std::span<const float> logits, const TokenMask* allowed = nullptr);

  // What sample() would choose from, with probabilities that add up to 1. Valid until the next
  // call. Uses chance only for xtc.
  Result<std::span<const Candidate>> distribution(std::span<const float> logits,
                                                  const TokenMask* allowed = nullptr);

  // Notes a token of the prompt or the answer for the penalties.
  Status accept(std::int32_t id);
  // Back to the state after create.
  void reset();

  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  Sampler(const SamplerOptions& options, const VocabularyView& vocabulary);
  [[nodiscard]] Status check_logits(std::span<const float> logits, const TokenMask* allowed) const;
  std::span<const float> adjusted(std::span<const float> logits);
  void narrow();
  void add_logprobs(std::span<const float> logits, Sampled& sampled) const;

  SamplerOptions options_;
  VocabularyView vocabulary_;
  std::uint64_t seed_;
  Rng rng_;
  TokenHistory history_;
  float mirostat_mu_;
  CandidateList candidates_;
  std::vector<float> scratch_;  // logits that bias or penalties have changed
};

}  // namespace pajamas
