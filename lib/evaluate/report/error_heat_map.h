// SPDX-License-Identifier: Apache-2.0
// Where quantization cost most: kind of tensor by layer, coloured by the signal-to-noise ratio.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas::report {

// One map per quantized model that has tensor errors, all with the same colours; "" where none has.
std::string error_heat_maps(const Validation& validation);

}  // namespace pajamas::report
