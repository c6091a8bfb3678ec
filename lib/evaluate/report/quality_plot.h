// SPDX-License-Identifier: Apache-2.0
// Quality against file size: one point per quantized model, the original as a line.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas::report {

// Figures of KL divergence and of perplexity, each where there are numbers to show; "" where there
// are none.
std::string quality_plots(const Validation& validation);

// The name that tells a model from the others of the report: its method, or its file's name where
// two have the same method. Not escaped.
std::string short_name(const Validation& validation, const ModelQuality& model);

}  // namespace pajamas::report
