// SPDX-License-Identifier: Apache-2.0
// How the KL divergence is spread over positions: one small histogram per quantized model, all on
// the same axes.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas::report {

// "" where no model has a divergence.
std::string divergence_histograms(const Validation& validation);

}  // namespace pajamas::report
