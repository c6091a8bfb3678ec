// SPDX-License-Identifier: Apache-2.0
// Continuations of the original and of a quantized model side by side, the first difference marked.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas::report {

// "" where there are none.
std::string sample_texts(const Validation& validation);

}  // namespace pajamas::report
