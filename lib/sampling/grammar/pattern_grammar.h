// SPDX-License-Identifier: Apache-2.0
// The regular expression of a JSON schema's "pattern" as a GBNF expression for the inside of a
// JSON string.
//
// A subset of ECMA 262: text, . and classes with ranges and escapes, \d \w \s and their opposites,
// groups, alternatives, all repetitions, anchors at the ends of an alternative. What is not
// anchored may be surrounded by any text. Other syntax is an error that names it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pajamas {

// Uses the shared rule `char`.
Result<std::string> pattern_to_gbnf(std::string_view pattern);

}  // namespace pajamas
