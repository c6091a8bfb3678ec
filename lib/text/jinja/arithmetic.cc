// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "text/jinja/formatting.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace pajamas::jinja {
namespace {

std::string_view sign_of(Operator op) {
  constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSigns[static_cast<std::size_t>(op)];
}

std::unexpected<Error> too_large(Operator op) {
  return value_error("'{}' gives an integer of more than 64 bits", sign_of(op));
}

Result<Value> integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return value_error("zero to a negative power");
    return Value::number(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) {
      return too_large(Operator::kPower);
    }
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) {
      return too_large(Operator::kPower);
    }
  }
  return Value::integer(result);
}

Result<Value> calculate_integers(Operator op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (op) {
    case Operator::kAdd:
      if (__builtin_add_overflow(left, right, &result)) return too_large(op);
      return Value::integer(result);
    case Operator::kSubtract:
      if (__builtin_sub_overflow(left, right, &result)) return too_large(op);
      return Value::integer(result);
    case Operator::kMultiply:
      if (__builtin_mul_overflow(left, right, &result)) return too_large(op);
      return Value::integer(result);
    case Operator::kPower:
      return integer_power(left, right);
    default:
      break;
  }
  if (right == 0) return value_error("division by zero");
  if (op == Operator::kDivide) {
    return Value::number(static_cast<double>(left) / static_cast<double>(right));
  }
  if (right == -1) {  // the quotient of the lowest integer does not fit
    if (op == Operator::kModulo) return Value::integer(0);
    return calculate_integers(Operator::kSubtract, 0, left);
  }
  // Python rounds the quotient down; the remainder has the sign of the divisor.
  std::int64_t quotient = left / right;
  std::int64_t remainder = left % right;
  if (remainder != 0 && (remainder < 0) != (right < 0)) {
    --quotient;
    remainder += right;
  }
  return Value::integer(op == Operator::kModulo ? remainder : quotient);
}

double float_remainder(double left, double right) {
  double remainder = std::fmod(left, right);
  if (remainder == 0) return std::copysign(0.0, right);
  if ((remainder < 0) != (right < 0)) remainder += right;
  return remainder;
}

Result<Value> calculate_floats(Operator op, double left, double right) {
  switch (op) {
    case Operator::kAdd:
      return Value::number(left + right);
    case Operator::kSubtract:
      return Value::number(left - right);
    case Operator::kMultiply:
      return Value::number(left * right);
    case Operator::kPower:
      if (left == 0 && right < 0) return value_error("zero to a negative power");
      if (left < 0 && std::floor(right) != right && std::isfinite(right)) {
        return value_error("'**' gives a complex number");
      }
      if (const double power = std::pow(left, right);
          std::isfinite(power) || !std::isfinite(left) || !std::isfinite(right)) {
        return Value::number(power);
      }
      return value_error("'**' gives a number beyond the range of a float");
    default:
      break;
  }
  if (right == 0) return value_error("division by zero");
  if (op == Operator::kDivide) return Value::number(left / right);
  const double remainder = float_remainder(left, right);
  if (op == Operator::kModulo) return Value::number(remainder);
  const double quotient = (left - remainder) / right;
  if (quotient == 0) return Value::number(std::copysign(0.0, left / right));
  const double whole = std::floor(quotient);
  return Value::number(quotient - whole > 0.5 ? whole + 1 : whole);
}

Result<Value> add_strings(Budget& budget, const Value& left, const Value& right) {
  const bool markup = left.is_markup() || right.is_markup();
  PJ_TRY(budget.spend_bytes(left.text().size() + right.text().size()));
  // What joins text that is marked as safe is escaped, unless it is marked too.
  const auto part = [&](const Value& value) {
    return markup && !value.is_markup() ? escape_html(value.text()) : std::string(value.text());
  };
  std::string text = part(left);
  text += part(right);
  return make_string(budget, std::move(text), markup);
}

Result<Value> add_sequences(Budget& budget, const Value& left, const Value& right) {
  PJ_TRY(budget.spend_bytes((left.items().size() + right.items().size()) * sizeof(Value)));
  Values items = left.items();
  items.insert(items.end(), right.items().begin(), right.items().end());
  return left.is(Kind::kList) ? make_list(budget, std::move(items))
                              : make_tuple(budget, std::move(items));
}

Result<Value> repeat(Budget& budget, const Value& value, std::int64_t count) {
  const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  const std::uint64_t element_bytes =
      value.is_string() ? value.text().size() : value.items().size() * sizeof(Value);
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(times, element_bytes, &bytes)) {
    bytes = std::numeric_limits<std::uint64_t>::max();
  }
  PJ_TRY(budget.spend_bytes(bytes));
  if (value.is_string()) {
    std::string text;
    text.reserve(bytes);
    if (value.text().size() == 1) {
      text.assign(bytes, value.text()[0]);
    } else if (!value.text().empty()) {
      for (std::uint64_t n = 0; n < times; ++n) text += value.text();
    }
    return make_string(budget, std::move(text), value.is_markup());
  }
  Values items;
  if (!value.items().empty()) {
    for (std::uint64_t n = 0; n < times; ++n) {
      items.insert(items.end(), value.items().begin(), value.items().end());
    }
  }
  return value.is(Kind::kList) ? make_list(budget, std::move(items))
                               : make_tuple(budget, std::move(items));
}

}  // namespace

Result<Value> calculate(Budget& budget, Operator op, const Value& left, const Value& right) {
  if (left.is_undefined()) return undefined_error(left);
  if (op == Operator::kModulo && left.is_string()) {
    std::string text = PJ_TRY(format_percent(budget, left.text(), right));
    return make_string(budget, std::move(text), left.is_markup());
  }
  if (right.is_undefined()) return undefined_error(right);
  if (left.is_integral() && right.is_integral()) {
    return calculate_integers(op, left.integer(), right.integer());
  }
  if (left.is_number() && right.is_number()) {
    return calculate_floats(op, left.number(), right.number());
  }
  if (op == Operator::kAdd) {
    if (left.is_string() && right.is_string()) return add_strings(budget, left, right);
    if (left.is_sequence() && left.kind() == right.kind()) {
      return add_sequences(budget, left, right);
    }
  }
  if (op == Operator::kMultiply) {
    const auto repeats = [](const Value& value) {
      return value.is_string() || value.is_sequence();
    };
    if (repeats(left) && right.is_integral()) return repeat(budget, left, right.integer());
    if (left.is_integral() && repeats(right)) return repeat(budget, right, left.integer());
  }
  return value_error("'{}' is not possible between a {} and a {}", sign_of(op),
                     kind_name(left.kind()), kind_name(right.kind()));
}

Result<Value> negate(const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kFloat)) return Value::number(-value.number());
  if (value.is_integral()) {
    return calculate_integers(Operator::kSubtract, 0, value.integer());
  }
  return value_error("a {} has no negative", kind_name(value.kind()));
}

}  // namespace pajamas::jinja
