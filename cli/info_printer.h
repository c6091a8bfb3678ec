// SPDX-License-Identifier: Apache-2.0
// The facts of a model (models/model_description.h) as a table for people.
#pragma once

#include "base/json.h"

namespace pajamas::cli {

// To standard output; warnings to standard error.
void print_info(const Json& info);

}  // namespace pajamas::cli
