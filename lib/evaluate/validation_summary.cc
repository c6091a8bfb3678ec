// SPDX-License-Identifier: Apache-2.0
#include "evaluate/validation_summary.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace pajamas {
namespace {

// JSON has no infinity; null says that there is no number.
Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

const PerplexityResult* find_method(const ModelQuality& model, std::string_view method) {
  for (const PerplexityResult& result : model.perplexity) {
    if (result.method == method) return &result;
  }
  return nullptr;
}

}  // namespace

std::optional<double> perplexity_increase_pct(const ModelQuality& original,
                                              const ModelQuality& quantized) {
  for (const PerplexityResult& result : quantized.perplexity) {
    const PerplexityResult* before = find_method(original, result.method);
    if (before == nullptr) continue;
    // By way of the logarithms, which do not overflow.
    return 100 * std::expm1(result.mean_nll - before->mean_nll);
  }
  return std::nullopt;
}

std::vector<TaskScore> whole_task_scores(const std::vector<TaskScore>& scores) {
  std::vector<TaskScore> whole;
  for (const TaskScore& score : scores) {
    const bool is_part = std::ranges::any_of(
        scores, [&](const TaskScore& other) { return score.task.starts_with(other.task + "_"); });
    if (!is_part) whole.push_back(score);
  }
  return whole;
}

Json validation_summary(const Validation& validation, const ModelQuality& quantized) {
  Json summary = {{"perplexity_original", nullptr},
                  {"perplexity_quantized", nullptr},
                  {"increase_pct", nullptr},
                  {"kl_mean", nullptr},
                  {"kl_p99", nullptr},
                  {"top1_agreement", nullptr},
                  {"tasks", Json::object()}};
  if (!quantized.perplexity.empty()) {
    const PerplexityResult& result = quantized.perplexity.front();
    summary["perplexity_quantized"] = number_or_null(result.perplexity);
    if (const auto* before = find_method(validation.original, result.method)) {
      summary["perplexity_original"] = number_or_null(before->perplexity);
    }
  }
  if (const auto increase = perplexity_increase_pct(validation.original, quantized)) {
    summary["increase_pct"] = number_or_null(*increase);
  }
  if (quantized.divergence) {
    summary["kl_mean"] = quantized.divergence->kl.mean;
    summary["kl_p99"] = quantized.divergence->kl.p99;
    summary["top1_agreement"] = quantized.divergence->top1_agreement;
  }
  for (const TaskScore& score : whole_task_scores(quantized.tasks)) {
    summary["tasks"][score.task][score.metric] = {
        {"value", number_or_null(score.value)},
        {"standard_error", number_or_null(score.standard_error)},
        {"questions", score.questions}};
  }
  return summary;
}

}  // namespace pajamas
