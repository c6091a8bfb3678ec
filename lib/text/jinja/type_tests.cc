// SPDX-License-Identifier: Apache-2.0
// The tests that follow `is`.
#include <algorithm>
#include <array>

#include "text/jinja/functions.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"

namespace pajamas::jinja {
namespace {

using Kinds = std::initializer_list<Kind>;

bool is_one_of(const Value& value, Kinds kinds) {
  return std::ranges::find(kinds, value.kind()) != kinds.end();
}

Result<bool> remainder_is(Runtime& runtime, const Value& value, const Value& divisor,
                          std::int64_t wanted) {
  const Value rest = PJ_TRY(calculate(runtime.budget, Operator::kModulo, value, divisor));
  return equals(runtime.budget, rest, Value::integer(wanted));
}

Result<bool> has_case(Runtime& runtime, const Value& value, std::string_view method) {
  const Value text = PJ_TRY(make_string(runtime.budget, PJ_TRY(to_text(runtime.budget, value))));
  return is_true(PJ_TRY(call_method(runtime, text, method, {})));
}

Result<bool> names(const Value& value, bool (*has)(std::string_view)) {
  if (!value.is_string()) return false;
  return has(value.text());
}

// Tests without an argument, by what they ask.
Result<std::optional<bool>> simple_test(Runtime& runtime, std::string_view name,
                                        const Value& value) {
  const bool is_bool = value.is(Kind::kBool);
  if (name == "defined") return !value.is_undefined();
  if (name == "undefined") return value.is_undefined();
  if (name == "none") return value.is_none();
  if (name == "boolean") return is_bool;
  if (name == "true") return is_bool && value.integer() != 0;
  if (name == "false") return is_bool && value.integer() == 0;
  if (name == "integer") return value.is(Kind::kInt);
  if (name == "float") return value.is(Kind::kFloat);
  if (name == "number") return value.is_number();
  if (name == "string") return value.is_string();
  if (name == "mapping") return value.is(Kind::kDict);
  if (name == "iterable") return is_iterable(value);
  if (name == "sequence") {
    return is_one_of(value, {Kind::kString, Kind::kList, Kind::kTuple, Kind::kDict, Kind::kRange,
                             Kind::kUndefined});
  }
  if (name == "callable") {
    return is_one_of(value, {Kind::kMacro, Kind::kFunction, Kind::kMethod, Kind::kJoiner,
                             Kind::kLoop, Kind::kUndefined});
  }
  if (name == "escaped") return value.is_markup();
  if (name == "odd") return PJ_TRY(remainder_is(runtime, value, Value::integer(2), 1));
  if (name == "even") return PJ_TRY(remainder_is(runtime, value, Value::integer(2), 0));
  if (name == "lower") return PJ_TRY(has_case(runtime, value, "islower"));
  if (name == "upper") return PJ_TRY(has_case(runtime, value, "isupper"));
  if (name == "filter") return PJ_TRY(names(value, has_filter));
  if (name == "test") return PJ_TRY(names(value, has_test));
  return std::nullopt;
}

struct Comparison {
  std::string_view name;
  Operator op;
};
constexpr auto kComparisons = std::to_array<Comparison>({
    {"==", Operator::kEqual},
    {"eq", Operator::kEqual},
    {"equalto", Operator::kEqual},
    {"!=", Operator::kNotEqual},
    {"ne", Operator::kNotEqual},
    {">", Operator::kGreater},
    {"gt", Operator::kGreater},
    {"greaterthan", Operator::kGreater},
    {">=", Operator::kGreaterEqual},
    {"ge", Operator::kGreaterEqual},
    {"<", Operator::kLess},
    {"lt", Operator::kLess},
    {"lessthan", Operator::kLess},
    {"<=", Operator::kLessEqual},
    {"le", Operator::kLessEqual},
    {"in", Operator::kIn},
});

constexpr auto kOtherTests = std::to_array<std::string_view>(
    {"defined", "undefined", "none",    "boolean",  "true",     "false",    "integer",    "float",
     "number",  "string",    "mapping", "iterable", "sequence", "callable", "escaped",    "odd",
     "even",    "lower",     "upper",   "filter",   "test",     "sameas",   "divisibleby"});

bool is_same(const Value& left, const Value& right) {
  // Python makes equal short strings one object, mostly.
  if (left.is_string() && right.is_string()) return left.text() == right.text();
  return left.is_same_object(right);
}

}  // namespace

bool has_test(std::string_view name) {
  return std::ranges::find(kComparisons, name, &Comparison::name) != kComparisons.end() ||
         std::ranges::find(kOtherTests, name) != kOtherTests.end();
}

Result<bool> call_test(Runtime& runtime, std::string_view name, const Value& value,
                       const Arguments& arguments) {
  PJ_TRY(runtime.budget.spend_steps());
  const auto comparison = std::ranges::find(kComparisons, name, &Comparison::name);
  if (comparison != kComparisons.end()) {
    const Bound bound = PJ_TRY(bind("the test", arguments, {"other"}, 1));
    return compare(runtime.budget, comparison->op, value, *bound[0]);
  }
  if (name == "sameas") {
    const Bound bound = PJ_TRY(bind("sameas", arguments, {"other"}, 1));
    return is_same(value, *bound[0]);
  }
  if (name == "divisibleby") {
    const Bound bound = PJ_TRY(bind("divisibleby", arguments, {"num"}, 1));
    return remainder_is(runtime, value, *bound[0], 0);
  }
  if (!has_test(name)) {
    return make_error(ErrorCode::kUnsupported, "there is no test named '{}'", name);
  }
  PJ_TRY(bind("the test", arguments, {}));
  return PJ_TRY(simple_test(runtime, name, value)).value_or(false);
}

}  // namespace pajamas::jinja
