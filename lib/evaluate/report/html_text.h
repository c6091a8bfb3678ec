// SPDX-License-Identifier: Apache-2.0
// Text and numbers as the report shows them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pajamas::report {

// Any bytes as text of an element or a quoted attribute: markup characters escaped, invalid UTF-8,
// control characters and marks that turn the direction of text replaced by U+FFFD.
std::string escape(std::string_view text);

// At most `most` characters, the last of them an ellipsis when there were more. Not escaped.
std::string shorten(std::string_view text, std::size_t most);

std::size_t count_characters(std::string_view text);

// "0.0123", "1.2×10⁻⁵", "∞", "n/a": three significant digits (two beside a power of ten).
std::string format_number(double value);
std::string format_fixed(double value, int decimals);    // never "−0.0"
std::string format_signed(double value, int decimals);   // "+1.5", "0.0"
std::string format_percent(double share, int decimals);  // 0.5 is "50.0 %"
std::string format_signed_percent(double share, int decimals);
std::string format_power_of_ten(int exponent);  // "10⁻³", and "0.1", "1", "10" where they are short
std::string format_thousands(std::int64_t value);  // "12 345"

}  // namespace pajamas::report
