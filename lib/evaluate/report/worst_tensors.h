// SPDX-License-Identifier: Apache-2.0
// The tensors that lost most, in words and numbers: what the heat map says by colour.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas::report {

// The few with the lowest signal-to-noise ratio; "" where every tensor is an exact copy.
std::string worst_tensors(const ModelQuality& model);

}  // namespace pajamas::report
