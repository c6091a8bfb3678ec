// SPDX-License-Identifier: Apache-2.0
// Text as Python's str sees it: counted and cut in code points, with Python's classes of
// characters, and the literals that repr() prints. The text is valid UTF-8. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pajamas::jinja {

std::int64_t count_code_points(std::string_view text);
std::u32string to_code_points(std::string_view text);
std::string from_code_points(std::u32string_view code_points);
// The byte at which the code point `index` starts; the end of the text when it has fewer.
std::size_t byte_of_code_point(std::string_view text, std::int64_t index);

bool is_space(char32_t code_point);
bool is_alphabetic(char32_t code_point);
bool is_decimal(char32_t code_point);
bool is_alphanumeric(char32_t code_point);
bool is_upper_case(char32_t code_point);
bool is_lower_case(char32_t code_point);
bool is_printable(char32_t code_point);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);  // str.title(): after anything that is no letter
std::string capitalize(std::string_view text);

enum class Side { kLeft, kRight, kBoth };
// Without `characters`, white space.
std::string_view strip(std::string_view text, Side side,
                       std::optional<std::string_view> characters = std::nullopt);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

// The first place of `needle` at or after `from`, in time linear in the text; npos when absent.
std::size_t find_bytes(std::string_view text, std::string_view needle, std::size_t from = 0);

// Python's repr() of a float and of a str, with its choice of quotes.
std::string float_repr(double number);
std::string string_repr(std::string_view text);

// Python's int(text, base) and float(text); nothing when it would raise.
std::optional<std::int64_t> parse_int(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);

}  // namespace pajamas::jinja
