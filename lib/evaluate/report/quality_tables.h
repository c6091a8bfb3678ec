// SPDX-License-Identifier: Apache-2.0
// The numbers of a validation as tables: the original and all quantized models side by side.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas::report {

// One line per model: bits, size, perplexity, divergence, speed, and the first score of each task.
// Columns that no model has numbers for are left out.
std::string summary_table(const Validation& validation);
// One line per way of measuring it; "" where there is only one, which the summary shows.
std::string perplexity_table(const Validation& validation);
// One line per task and metric; "" where there are none.
std::string task_table(const Validation& validation);

}  // namespace pajamas::report
