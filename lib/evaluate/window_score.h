// SPDX-License-Identifier: Apache-2.0
// What one pass over a window measured, and the sums over all windows: perplexity and divergence.
//
// Sums go in the order of the windows and of the tokens in them, so the numbers depend neither on
// threads nor on how many windows went through the model together, and a pass that was interrupted
// gives the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "evaluate/validation.h"
#include "evaluate/window_plan.h"

namespace pajamas {

struct WindowScore {
  double nll = 0;          // sum over the scored tokens
  double nll_squared = 0;  // sum of squares
  double seconds = 0;
  // One for each scored token, where an original was compared with; else empty.
  std::vector<float> kl;
  std::vector<float> probability_change;
  std::int64_t same_top = 0;

  friend bool operator==(const WindowScore&, const WindowScore&) = default;
};

Json to_json(const WindowScore& score);
// `scored`: tokens the window scores. Errors: not such a document, another number of values.
Result<WindowScore> window_score_from_json(const Json& json, std::int64_t scored);

// Both: one score for each window of the plan.
PerplexityResult summarize_perplexity(const WindowPlan& plan, std::span<const WindowScore> scores);
DivergenceResult summarize_divergence(std::span<const WindowScore> scores);

double tokens_per_second(const WindowPlan& plan, std::span<const WindowScore> scores);

// Mean with its standard error, and quantiles by linear interpolation between the sorted values.
// No values give zeros.
Quantiles quantiles_of(std::vector<float> values);

}  // namespace pajamas
