// SPDX-License-Identifier: Apache-2.0
// Python's operators on values: truth, comparison, arithmetic, membership, subscripts, iteration.
// Integers have 64 bits; a result beyond them is an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "text/jinja/value.h"

namespace pajamas::jinja {

enum class Operator : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

bool is_true(const Value& value);
Result<bool> equals(Budget& budget, const Value& left, const Value& right);
// One of the comparisons; an error when the types have no order.
Result<bool> compare(Budget& budget, Operator op, const Value& left, const Value& right);
Result<bool> contains(Budget& budget, const Value& container, const Value& item);
Result<Value> calculate(Budget& budget, Operator op, const Value& left, const Value& right);
Result<Value> negate(const Value& value);

Result<std::int64_t> length_of(Budget& budget, const Value& value);
// The elements that a loop visits. An iterator is used up by this.
Result<Values> elements_of(Budget& budget, const Value& value);
bool is_iterable(const Value& value);

// The member of a dict; null when absent.
Result<const Value*> find_entry(Budget& budget, const Value& dict, const Value& key);
// Sets the member, keeping the place of a key that is there.
Status set_entry(Budget& budget, Entries& entries, Value key, Value value);
// value[key] without the attributes; nothing when there is no such element.
Result<std::optional<Value>> find_item(Budget& budget, const Value& value, const Value& key);
struct Slice {
  Value start, stop, step;  // None where absent
};
Result<Value> slice_of(Budget& budget, const Value& value, const Slice& slice);

}  // namespace pajamas::jinja
