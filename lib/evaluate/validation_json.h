// SPDX-License-Identifier: Apache-2.0
// validation.json: a validation as a document for programs, docs/validation_report.md.
#pragma once

#include <string>

#include "base/json.h"
#include "evaluate/validation.h"

namespace pajamas {

// JSON has no infinity: what is not finite stands as the string "Infinity", "-Infinity" or "NaN",
// which Python's float() and JavaScript's Number() read. Text that is not valid UTF-8 gets U+FFFD.
// Parts that were not asked for are left out.
Json validation_to_json(const Validation& validation);

// The same as a text with line breaks, ready to be written.
std::string validation_json_text(const Validation& validation);

}  // namespace pajamas
