// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "text/jinja/functions.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"

namespace pajamas::jinja {
namespace {

Result<Value> abs_filter(Runtime&, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("abs", arguments, {}));
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kFloat)) return Value::number(std::fabs(value.number()));
  if (!value.is_integral())
    return value_error("abs: a {}, expected a number", kind_name(value.kind()));
  return value.integer() < 0 ? negate(value) : Value::integer(value.integer());
}

Result<Value> truncated(double number, const Value& otherwise) {
  if (std::isnan(number)) return otherwise;
  if (std::fabs(number) < 9.2e18) return Value::integer(static_cast<std::int64_t>(number));
  return value_error("int: the number needs more than 64 bits");
}

Result<Value> int_filter(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("int", arguments, {"default", "base"}));
  const Value otherwise = bound[0] == nullptr ? Value::integer(0) : *bound[0];
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_integral()) return Value::integer(value.integer());
  if (value.is(Kind::kFloat)) return truncated(value.number(), otherwise);
  if (!value.is_string()) return otherwise;
  const std::int64_t base = PJ_TRY(bound.integer(1, 10));
  if (base != 0 && (base < 2 || base > 36)) return otherwise;
  if (const auto number = parse_int(value.text(), static_cast<int>(base))) {
    return Value::integer(*number);
  }
  const auto number = parse_float(value.text());
  if (!number || std::isinf(*number)) return otherwise;
  return truncated(*number, otherwise);
}

Result<Value> float_filter(Runtime&, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("float", arguments, {"default"}));
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_number()) return Value::number(value.number());
  if (value.is_string()) {
    if (const auto number = parse_float(value.text())) return Value::number(*number);
  }
  return bound[0] == nullptr ? Value::number(0) : *bound[0];
}

// Half to even, on the exact value.
Result<Value> round_common(Budget& budget, const Value& value, std::int64_t precision) {
  constexpr std::int64_t kMaxPrecision = 340;  // beyond the digits that a double can have
  if (value.is_integral()) {
    if (precision >= 0) return Value::integer(value.integer());
    if (precision < -18) return Value::integer(0);
    std::int64_t unit = 1;
    for (std::int64_t n = precision; n < 0; ++n) unit *= 10;
    const std::int64_t rest = ((value.integer() % unit) + unit) % unit;
    std::int64_t below = 0;
    if (__builtin_sub_overflow(value.integer(), rest, &below))
      return value_error("round: overflow");
    const bool up = rest > unit / 2 || (rest == unit / 2 && (below / unit) % 2 != 0);
    return calculate(budget, Operator::kAdd, Value::integer(below), Value::integer(up ? unit : 0));
  }
  const double number = value.number();
  if (!std::isfinite(number) || precision > kMaxPrecision) return Value::number(number);
  if (precision < 0) {
    if (precision < -308) return Value::number(std::copysign(0.0, number));
    const double unit = std::pow(10.0, static_cast<double>(-precision));
    return Value::number(std::nearbyint(number / unit) * unit);
  }
  const std::string digits = fmt::format("{:.{}f}", number, precision);
  return Value::number(std::strtod(digits.c_str(), nullptr));
}

Result<Value> round_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("round", arguments, {"precision", "method"}));
  const std::int64_t precision = PJ_TRY(bound.integer(0, 0));
  const std::string_view method = PJ_TRY(bound.text(1, "common"));
  if (method != "common" && method != "ceil" && method != "floor") {
    return value_error("round: the method is '{}', expected common, ceil or floor", method);
  }
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_number()) {
    return value_error("round: a {}, expected a number", kind_name(value.kind()));
  }
  if (method == "common") return round_common(runtime.budget, value, precision);
  const double unit = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.number() * unit;
  if (!std::isfinite(scaled)) return value_error("round: the number is too large");
  return Value::number((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Result<Value> filesize_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("filesizeformat", arguments, {"binary"}));
  const bool binary = bound.flag(0, false);
  const Value number = PJ_TRY(float_filter(runtime, value, {}));
  const double bytes = number.number();
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return make_string(runtime.budget, "1 Byte");
  if (!(bytes >= base))
    return make_string(runtime.budget, fmt::format("{:.0f} Bytes", std::trunc(bytes)));
  constexpr std::string_view kPrefixes = "kMGTPEZY";
  double unit = base;
  for (std::size_t at = 0;; ++at) {
    unit *= base;
    if (bytes < unit || at + 1 == kPrefixes.size()) {
      const char prefix = binary && at == 0 ? 'K' : kPrefixes[at];
      return make_string(runtime.budget, fmt::format("{:.1f} {}{}", base * bytes / unit, prefix,
                                                     binary ? "iB" : "B"));
    }
  }
}

constexpr auto kNumberFilters = std::to_array<FilterEntry>({
    {"abs", abs_filter},
    {"filesizeformat", filesize_filter},
    {"float", float_filter},
    {"int", int_filter},
    {"round", round_filter},
});

}  // namespace

std::span<const FilterEntry> number_filters() { return kNumberFilters; }

}  // namespace pajamas::jinja
