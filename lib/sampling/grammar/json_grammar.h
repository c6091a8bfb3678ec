// SPDX-License-Identifier: Apache-2.0
// Pieces of GBNF for JSON: the rules that every JSON grammar shares, literals, numbers in a range.
//
// Pure functions that give GBNF text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sampling/grammar/code_point_set.h"

namespace pajamas {

// A rule of the shared set, and the rules of the set that it uses.
struct SharedRule {
  std::string_view name;
  std::string_view body;
  std::string_view uses;  // names with spaces between
};
// ws, value, object, array, string, number, integer, boolean, null, date, time, ...
std::span<const SharedRule> shared_json_rules();

// Text as a GBNF literal.
std::string gbnf_literal(std::string_view text);

// An expression for one character of `set` inside a JSON string, escaped where JSON wants it;
// "" when the set is empty.
std::string json_character(const CodePointSet& set);
// Characters that stand for themselves inside a JSON string.
const CodePointSet& plain_json_characters();
// The set as a GBNF class.
std::string gbnf_class(const CodePointSet& set);

// The inside of a JSON string without escapes that is none of `names`. `add_rule` makes a rule of a
// body and gives its name.
std::string other_texts(std::span<const std::string> names,
                        const std::function<std::string(std::string_view body)>& add_rule);

struct IntegerRange {
  std::optional<std::int64_t> least{};
  std::optional<std::int64_t> most{};
};
// The decimal numbers of a range; an error when there are none. A missing bound stands for 16
// digits.
Result<std::string> integers_in(const IntegerRange& range);

struct NumberRange {
  std::optional<double> least{};
  std::optional<double> most{};
  bool excludes_least = false;
  bool excludes_most = false;
};
// Integers of the range, and fractions between two of its integers. That is all of the range when
// its bounds are integers.
Result<std::string> numbers_in(const NumberRange& range);

// The integers of a range of numbers.
Result<IntegerRange> integer_bounds(const NumberRange& range);

}  // namespace pajamas
