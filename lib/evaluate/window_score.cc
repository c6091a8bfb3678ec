// SPDX-License-Identifier: Apache-2.0
#include "evaluate/window_score.h"

#include <algorithm>
#include <cmath>

namespace pajamas {
namespace {

// Of the mean of `count` values with these sums.
double standard_error_of_mean(double sum, double sum_of_squares, std::int64_t count) {
  if (count < 2) return 0;
  const auto n = static_cast<double>(count);
  const double variance = sum_of_squares / n - (sum / n) * (sum / n);
  return variance > 0 ? std::sqrt(variance / (n - 1)) : 0;
}

double quantile(std::span<const float> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = at - static_cast<double>(below);
  return (1 - part) * static_cast<double>(sorted[below]) +
         part * static_cast<double>(sorted[above]);
}

// See kDivergenceBins.
std::size_t bin_of(float kl) {
  if (!(kl > 0)) return 0;
  const double bin = 4 * (std::log10(static_cast<double>(kl)) + 8);
  return static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(kDivergenceBins - 1)));
}

Result<std::vector<float>> read_floats(const Json& json, std::string_view key,
                                       std::int64_t scored) {
  std::vector<float> values;
  const Json* list = find_member(json, key);
  if (list == nullptr) return values;
  for (const Json& value : *list) {
    if (value.is_number()) values.push_back(value.get<float>());
  }
  if (list->is_array() && static_cast<std::int64_t>(values.size()) == scored) return values;
  return make_error(ErrorCode::kInvalidData, "'{}' has {} numbers, expected {}", key, values.size(),
                    scored);
}

}  // namespace

Json to_json(const WindowScore& score) {
  Json json = {{"nll", score.nll}, {"nll_squared", score.nll_squared}, {"seconds", score.seconds}};
  if (!score.kl.empty()) {
    json["kl"] = score.kl;
    json["probability_change"] = score.probability_change;
    json["same_top"] = score.same_top;
  }
  return json;
}

Result<WindowScore> window_score_from_json(const Json& json, std::int64_t scored) {
  const auto nll = PJ_TRY(get_number(json, "nll"));
  const auto nll_squared = PJ_TRY(get_number(json, "nll_squared"));
  if (!nll || !nll_squared) {
    return make_error(ErrorCode::kInvalidData, "a window's score has no 'nll'");
  }
  return WindowScore{.nll = *nll,
                     .nll_squared = *nll_squared,
                     .seconds = PJ_TRY(get_number(json, "seconds")).value_or(0),
                     .kl = PJ_TRY(read_floats(json, "kl", scored)),
                     .probability_change = PJ_TRY(read_floats(json, "probability_change", scored)),
                     .same_top = PJ_TRY(get_int(json, "same_top")).value_or(0)};
}

PerplexityResult summarize_perplexity(const WindowPlan& plan, std::span<const WindowScore> scores) {
  PerplexityResult result{.method = plan.method,
                          .context = plan.context,
                          .stride = plan.stride,
                          .windows = static_cast<std::int64_t>(plan.windows.size()),
                          .scored_tokens = plan.scored_tokens()};
  double sum = 0;
  double sum_of_squares = 0;
  for (const WindowScore& score : scores) {
    sum += score.nll;
    sum_of_squares += score.nll_squared;
  }
  result.mean_nll = sum / static_cast<double>(result.scored_tokens);
  result.perplexity = std::exp(result.mean_nll);
  result.standard_error =
      result.perplexity * standard_error_of_mean(sum, sum_of_squares, result.scored_tokens);
  return result;
}

DivergenceResult summarize_divergence(std::span<const WindowScore> scores) {
  DivergenceResult result;
  std::vector<float> all;
  std::int64_t same = 0;
  double change = 0;
  double change_squared = 0;
  for (const WindowScore& score : scores) {
    all.insert(all.end(), score.kl.begin(), score.kl.end());
    same += score.same_top;
    for (const float value : score.probability_change) {
      change += static_cast<double>(value);
      change_squared += static_cast<double>(value) * static_cast<double>(value);
    }
  }
  result.positions = static_cast<std::int64_t>(all.size());
  if (all.empty()) return result;
  for (const float kl : all) ++result.histogram[bin_of(kl)];
  const auto count = static_cast<double>(all.size());
  result.top1_agreement = static_cast<double>(same) / count;
  if (all.size() > 1) {
    result.top1_standard_error =
        std::sqrt(result.top1_agreement * (1 - result.top1_agreement) / (count - 1));
  }
  result.mean_probability_change = change / count;
  result.rms_probability_change = std::sqrt(change_squared / count);
  result.kl = quantiles_of(std::move(all));
  return result;
}

double tokens_per_second(const WindowPlan& plan, std::span<const WindowScore> scores) {
  std::int64_t tokens = 0;
  double seconds = 0;
  for (const Window& window : plan.windows) tokens += window.length;
  for (const WindowScore& score : scores) seconds += score.seconds;
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

Quantiles quantiles_of(std::vector<float> values) {
  if (values.empty()) return {};
  double sum = 0;
  double sum_of_squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    sum_of_squares += static_cast<double>(value) * static_cast<double>(value);
  }
  std::ranges::sort(values);
  const auto count = static_cast<std::int64_t>(values.size());
  return {.mean = sum / static_cast<double>(count),
          .standard_error = standard_error_of_mean(sum, sum_of_squares, count),
          .minimum = static_cast<double>(values.front()),
          .median = quantile(values, 0.5),
          .p90 = quantile(values, 0.9),
          .p99 = quantile(values, 0.99),
          .p99_9 = quantile(values, 0.999),
          .maximum = static_cast<double>(values.back())};
}

}  // namespace pajamas
