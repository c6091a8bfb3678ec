// SPDX-License-Identifier: Apache-2.0
// A validation on the terminal: the original and all quantizations side by side.
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "pipeline/validate.h"

namespace pajamas::cli {

// Negative: no such limit.
QualityLimits make_limits(double max_ppl_increase_pct, double max_kl, double min_agreement);

void print_validation(const Validation& validation);

// validation.json with what the limits said: "passed" and, where that is false, "failure".
Json printable_validation(const Validation& validation, const Status& verdict);

}  // namespace pajamas::cli
