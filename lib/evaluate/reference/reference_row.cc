// SPDX-License-Identifier: Apache-2.0
#include "evaluate/reference/reference_row.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace pajamas {
namespace {

// What another model gives to the rest together is not told below this, the error of the sums.
constexpr double kLeastRest = 1e-12;

// Exponentials are binned by their exponent and the first three bits behind it, an eighth of a
// power of two; 1 is the largest there is.
constexpr std::uint32_t bin_of(float exp) { return std::bit_cast<std::uint32_t>(exp) >> 20; }
constexpr std::size_t kBins = bin_of(1.0F) + 1;

// The first bin that is kept: those below it hold at most kMaxRest of the sum.
std::uint32_t first_kept_bin(std::span<const float> exps, double sum) {
  std::array<double, kBins> bins{};
  for (const float exp : exps) bins[bin_of(exp)] += static_cast<double>(exp);
  double below = 0;
  std::uint32_t bin = 0;
  while (bin + 1 < kBins && below + bins[bin] <= kMaxRest * sum) below += bins[bin++];
  return bin;
}

double rest_beside(double kept, double sum) { return std::max((sum - kept) / sum, 0.0); }

float log_probability(const Normalizer& normalizer, float logit) {
  return static_cast<float>(normalizer.log_probability(logit));
}

}  // namespace

ReferenceRow make_reference_row(std::span<const float> logits, const Normalizer& normalizer,
                                std::int32_t target) {
  std::vector<float> exps(logits.size());
  for (std::size_t id = 0; id < logits.size(); ++id) {
    exps[id] = exp_of_negative(logits[id] - normalizer.max);
  }
  const std::uint32_t first_bin = first_kept_bin(exps, normalizer.sum);
  ReferenceRow row{.top = normalizer.top,
                   .target_log_probability =
                       normalizer.log_probability(logits[static_cast<std::size_t>(target)])};
  double kept = 0;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (bin_of(exps[id]) < first_bin) continue;
    row.ids.push_back(static_cast<std::int32_t>(id));
    row.log_probabilities.push_back(log_probability(normalizer, logits[id]));
    kept += static_cast<double>(exps[id]);
  }
  if (row.ids.size() < logits.size()) row.rest = rest_beside(kept, normalizer.sum);
  return row;
}

RowDivergence compare_row(const ReferenceRow& reference, std::span<const float> logits,
                          const Normalizer& normalizer, std::int32_t target) {
  double kept = 0;
  double kl = 0;
  for (std::size_t at = 0; at < reference.ids.size(); ++at) {
    const float logit = logits[static_cast<std::size_t>(reference.ids[at])];
    const float original = reference.log_probabilities[at];
    const float other = log_probability(normalizer, logit);
    kl += static_cast<double>(exp_of_negative(original)) *
          (static_cast<double>(original) - static_cast<double>(other));
    kept += static_cast<double>(exp_of_negative(logit - normalizer.max));
  }
  if (reference.rest > 0) {
    const double rest = std::max(rest_beside(kept, normalizer.sum), kLeastRest);
    kl += reference.rest * std::log(reference.rest / rest);
  }
  const double log_probability_of_target =
      normalizer.log_probability(logits[static_cast<std::size_t>(target)]);
  return {.nll = -log_probability_of_target,
          .kl = static_cast<float>(std::max(kl, 0.0)),  // rounding may go below
          .probability_change = static_cast<float>(std::exp(log_probability_of_target) -
                                                   std::exp(reference.target_log_probability)),
          .same_top = normalizer.top == reference.top};
}

}  // namespace pajamas
