// SPDX-License-Identifier: Apache-2.0
// The string operations that lm-evaluation-harness calls, as Python defines them: prompts must be
// the same to the byte. Pure functions on valid UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pajamas {

// str.strip(), str.rstrip(): the white space of str.isspace().
std::string_view python_strip(std::string_view text);
std::string_view python_rstrip(std::string_view text);

// str.capitalize(): the first character in title case, all others in lower case.
std::string python_capitalize(std::string_view text);

// len(): code points.
std::int64_t python_length(std::string_view text);

}  // namespace pajamas
