// SPDX-License-Identifier: Apache-2.0
// The few numbers of a validation that people compare: what manifests and tables show.
#pragma once

#include <optional>
#include <vector>

#include "base/json.h"
#include "evaluate/validation.h"

namespace pajamas {

// Of one quantized model: perplexity_original, perplexity_quantized, increase_pct, kl_mean,
// kl_p99, top1_agreement, tasks; null where something was not measured.
Json validation_summary(const Validation& validation, const ModelQuality& quantized);

// Without those of a task's parts (mmlu_anatomy beside mmlu).
std::vector<TaskScore> whole_task_scores(const std::vector<TaskScore>& scores);

// The perplexity of the first method that both were measured with, in percent over the original's;
// nothing when there is none.
std::optional<double> perplexity_increase_pct(const ModelQuality& original,
                                              const ModelQuality& quantized);

}  // namespace pajamas
