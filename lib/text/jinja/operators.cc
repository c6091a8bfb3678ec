// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <limits>

#include "text/jinja/python_text.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

// Python compares an int with a float by their exact values.
std::partial_ordering order_numbers(const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral()) return left.integer() <=> right.integer();
  if (left.is(Kind::kFloat) && right.is(Kind::kFloat)) return left.number() <=> right.number();
  const bool swapped = left.is(Kind::kFloat);
  const std::int64_t integer = swapped ? right.integer() : left.integer();
  const double number = swapped ? left.number() : right.number();
  std::partial_ordering order = std::partial_ordering::unordered;
  if (std::isnan(number)) return order;
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (number >= kTwoTo63) {
    order = std::partial_ordering::less;
  } else if (number < -kTwoTo63) {
    order = std::partial_ordering::greater;
  } else {
    const double whole = std::floor(number);
    order = integer <=> static_cast<std::int64_t>(whole);
    if (order == std::partial_ordering::equivalent && number > whole) {
      order = std::partial_ordering::less;
    }
  }
  return swapped ? 0 <=> order : order;
}

std::unexpected<Error> no_order(Operator op, const Value& left, const Value& right) {
  constexpr std::string_view kSigns[] = {"<", "<=", ">", ">="};
  return value_error(
      "'{}' is not supported between a {} and a {}",
      kSigns[static_cast<std::size_t>(op) - static_cast<std::size_t>(Operator::kLess)],
      kind_name(left.kind()), kind_name(right.kind()));
}

template <typename Order>
bool holds(Operator op, Order order) {
  switch (op) {
    case Operator::kLess:
      return order < 0;
    case Operator::kLessEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

Result<bool> equal_items(Budget& budget, const Values& left, const Values& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t at = 0; at < left.size(); ++at) {
    if (!PJ_TRY(equals(budget, left[at], right[at]))) return false;
  }
  return true;
}

Result<bool> equal_dicts(Budget& budget, const Value& left, const Value& right) {
  if (left.entries().size() != right.entries().size()) return false;
  for (const auto& [key, value] : left.entries()) {
    const Value* other = PJ_TRY(find_entry(budget, right, key));
    if (other == nullptr || !PJ_TRY(equals(budget, value, *other))) return false;
  }
  return true;
}

struct Bounds {
  std::int64_t start = 0, step = 1, count = 0;
};

Result<std::int64_t> slice_bound(const Value& bound, std::int64_t otherwise) {
  if (bound.is_none()) return otherwise;
  if (bound.is_integral()) return bound.integer();
  if (bound.is_undefined()) return undefined_error(bound);
  return value_error("a slice is bounded by a {}, expected an integer", kind_name(bound.kind()));
}

Result<Bounds> slice_bounds(const Slice& slice, std::int64_t length) {
  const std::int64_t step = PJ_TRY(slice_bound(slice.step, 1));
  if (step == 0) return value_error("a slice has step 0");
  const std::int64_t lowest = step > 0 ? 0 : -1;
  const std::int64_t highest = step > 0 ? length : length - 1;
  const auto clamp = [&](std::int64_t bound) {
    if (bound < 0) bound += length;
    return std::clamp(bound, lowest, highest);
  };
  const auto place = [&](const Value& bound, std::int64_t otherwise) -> Result<std::int64_t> {
    if (bound.is_none()) return otherwise;
    return clamp(PJ_TRY(slice_bound(bound, 0)));
  };
  const std::int64_t start = PJ_TRY(place(slice.start, step > 0 ? lowest : highest));
  const std::int64_t stop = PJ_TRY(place(slice.stop, step > 0 ? highest : lowest));
  const std::int64_t distance = step > 0 ? stop - start : start - stop;
  if (distance <= 0) return Bounds{start, step, 0};
  // A step beyond the length takes one element; so does the length.
  const std::int64_t stride =
      std::clamp(step, -std::max<std::int64_t>(length, 1), std::max<std::int64_t>(length, 1));
  return Bounds{start, stride, (distance - 1) / std::abs(stride) + 1};
}

Result<Value> slice_string(Budget& budget, const Value& value, const Slice& slice) {
  const std::string_view text = value.text();
  PJ_TRY(budget.spend_reading(text.size()));
  const Bounds bounds = PJ_TRY(slice_bounds(slice, count_code_points(text)));
  if (bounds.count == 0) return make_string(budget, "", value.is_markup());
  if (bounds.step == 1) {
    const std::size_t from = byte_of_code_point(text, bounds.start);
    const std::size_t bytes = byte_of_code_point(text.substr(from), bounds.count);
    PJ_TRY(budget.spend_reading(text.size()));
    return make_string(budget, std::string(text.substr(from, bytes)), value.is_markup());
  }
  PJ_TRY(budget.spend_bytes(text.size() * sizeof(char32_t)));
  const std::u32string points = to_code_points(text);
  std::string result;
  for (std::int64_t n = 0; n < bounds.count; ++n) {
    append_utf8(result, points[static_cast<std::size_t>(bounds.start + n * bounds.step)]);
  }
  return make_string(budget, std::move(result), value.is_markup());
}

// Elements are inside the bounds of 64 bits, what is computed on the way may not be.
std::int64_t range_element(const RangeObject& range, std::int64_t index) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(range.start) +
                                   static_cast<std::uint64_t>(index) *
                                       static_cast<std::uint64_t>(range.step));
}

Result<Value> slice_range(const Value& value, const Slice& slice) {
  const auto& range = value.as<RangeObject>();
  const Bounds bounds = PJ_TRY(slice_bounds(slice, range.count));
  std::int64_t step = 0, width = 0, stop = 0;
  const std::int64_t start = range_element(range, bounds.start);
  if (__builtin_mul_overflow(range.step, bounds.step, &step) ||
      __builtin_mul_overflow(step, bounds.count, &width) ||
      __builtin_add_overflow(start, width, &stop)) {
    return value_error("a slice of a range goes beyond 64 bits");
  }
  return make_range(start, stop, step);
}

std::optional<std::size_t> place_of(std::int64_t index, std::int64_t length) {
  if (index < 0) index += length;
  if (index < 0 || index >= length) return std::nullopt;
  return static_cast<std::size_t>(index);
}

}  // namespace

bool is_true(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.integer() != 0;
    case Kind::kFloat:
      return value.number() != 0;
    case Kind::kString:
      return !value.text().empty();
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kView:
      return !value.items().empty();
    case Kind::kDict:
      return !value.entries().empty();
    case Kind::kRange:
      return value.as<RangeObject>().count != 0;
    default:
      return true;
  }
}

Result<bool> equals(Budget& budget, const Value& left, const Value& right) {
  PJ_TRY(budget.spend_steps());
  if (left.is_number() && right.is_number()) return order_numbers(left, right) == 0;
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      PJ_TRY(budget.spend_reading(std::min(left.text().size(), right.text().size())));
      return left.text() == right.text();
    case Kind::kList:
    case Kind::kTuple:
      return equal_items(budget, left.items(), right.items());
    case Kind::kDict:
      return equal_dicts(budget, left, right);
    case Kind::kRange: {
      const auto& a = left.as<RangeObject>();
      const auto& b = right.as<RangeObject>();
      if (a.count != b.count || a.count == 0) return a.count == b.count;
      return a.start == b.start && (a.count == 1 || a.step == b.step);
    }
    default:
      return left.is_same_object(right);
  }
}

Result<bool> compare(Budget& budget, Operator op, const Value& left, const Value& right) {
  switch (op) {
    case Operator::kEqual:
      return equals(budget, left, right);
    case Operator::kNotEqual:
      return !PJ_TRY(equals(budget, left, right));
    case Operator::kIn:
      return contains(budget, right, left);
    case Operator::kNotIn:
      return !PJ_TRY(contains(budget, right, left));
    default:
      break;
  }
  PJ_TRY(budget.spend_steps());
  if (left.is_undefined()) return undefined_error(left);
  if (right.is_undefined()) return undefined_error(right);
  if (left.is_number() && right.is_number()) return holds(op, order_numbers(left, right));
  if (left.is_string() && right.is_string()) {
    // UTF-8 orders as its code points do.
    PJ_TRY(budget.spend_reading(std::min(left.text().size(), right.text().size())));
    return holds(op, left.text().compare(right.text()) <=> 0);
  }
  if (!left.is_sequence() || left.kind() != right.kind()) return no_order(op, left, right);
  const Values& a = left.items();
  const Values& b = right.items();
  for (std::size_t at = 0; at < std::min(a.size(), b.size()); ++at) {
    if (!PJ_TRY(equals(budget, a[at], b[at]))) return compare(budget, op, a[at], b[at]);
  }
  return holds(op, a.size() <=> b.size());
}

Result<bool> contains(Budget& budget, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kString:
      if (item.is_undefined()) return undefined_error(item);
      if (!item.is_string()) {
        return value_error("'in' a string: the left side is a {}, expected a string",
                           kind_name(item.kind()));
      }
      PJ_TRY(budget.spend_reading(container.text().size()));
      return find_bytes(container.text(), item.text()) != std::string_view::npos;
    case Kind::kDict:
      return PJ_TRY(find_entry(budget, container, item)) != nullptr;
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kView:
      for (const Value& element : container.items()) {
        if (PJ_TRY(equals(budget, element, item))) return true;
      }
      return false;
    case Kind::kIterator:
    case Kind::kRange:
      for (const Value& element : PJ_TRY(elements_of(budget, container))) {
        if (PJ_TRY(equals(budget, element, item))) return true;
      }
      return false;
    default:
      return value_error("'in' needs a container on the right, found a {}",
                         kind_name(container.kind()));
  }
}

Result<std::int64_t> length_of(Budget& budget, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      PJ_TRY(budget.spend_reading(value.text().size()));
      return count_code_points(value.text());
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kView:
      return static_cast<std::int64_t>(value.items().size());
    case Kind::kDict:
      return static_cast<std::int64_t>(value.entries().size());
    case Kind::kRange:
      return value.as<RangeObject>().count;
    default:
      return value_error("a {} has no length", kind_name(value.kind()));
  }
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kView:
    case Kind::kIterator:
    case Kind::kRange:
    case Kind::kLoop:
      return true;
    default:
      return false;
  }
}

Result<Values> elements_of(Budget& budget, const Value& value) {
  Values items;
  const auto pay = [&](std::size_t count) -> Status {
    PJ_TRY(budget.spend_steps(count));
    return budget.spend_bytes(count * sizeof(Value));
  };
  switch (value.kind()) {
    case Kind::kUndefined:
      return items;
    case Kind::kString: {
      PJ_TRY(budget.spend_bytes(value.text().size() * sizeof(char32_t)));
      for (const char32_t point : to_code_points(value.text())) {
        std::string one;
        append_utf8(one, point);
        items.push_back(PJ_TRY(make_string(budget, std::move(one))));
      }
      return items;
    }
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kView:
      PJ_TRY(pay(value.items().size()));
      return value.items();
    case Kind::kDict:
      PJ_TRY(pay(value.entries().size()));
      for (const auto& entry : value.entries()) items.push_back(entry.first);
      return items;
    case Kind::kIterator: {
      auto& iterator = value.as<IteratorObject>();
      PJ_TRY(pay(iterator.items.size() - iterator.next));
      items.assign(iterator.items.begin() + static_cast<std::ptrdiff_t>(iterator.next),
                   iterator.items.end());
      iterator.next = iterator.items.size();
      return items;
    }
    case Kind::kRange: {
      const auto& range = value.as<RangeObject>();
      PJ_TRY(pay(static_cast<std::size_t>(range.count)));
      for (std::int64_t n = 0; n < range.count; ++n) {
        items.push_back(Value::integer(range_element(range, n)));
      }
      return items;
    }
    default:
      return value_error("a {} is not iterable", kind_name(value.kind()));
  }
}

Result<const Value*> find_entry(Budget& budget, const Value& dict, const Value& key) {
  if (key.is(Kind::kList) || key.is(Kind::kDict)) {
    return value_error("a {} cannot be a key of a dict", kind_name(key.kind()));
  }
  PJ_TRY(budget.spend_steps(dict.entries().size() / 8));
  for (const auto& [name, value] : dict.entries()) {
    if (key.is_string() && name.is_string()) {
      if (key.text() == name.text()) return &value;
    } else if (PJ_TRY(equals(budget, name, key))) {
      return &value;
    }
  }
  return nullptr;
}

Status set_entry(Budget& budget, Entries& entries, Value key, Value value) {
  if (key.is(Kind::kList) || key.is(Kind::kDict)) {
    return value_error("a {} cannot be a key of a dict", kind_name(key.kind()));
  }
  for (auto& [name, old] : entries) {
    if (PJ_TRY(equals(budget, name, key))) {
      old = std::move(value);
      return {};
    }
  }
  entries.emplace_back(std::move(key), std::move(value));
  return {};
}

Result<std::optional<Value>> find_item(Budget& budget, const Value& value, const Value& key) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return undefined_error(value);
    case Kind::kDict: {
      // A key that cannot be hashed is no key.
      if (key.is(Kind::kList) || key.is(Kind::kDict)) return std::nullopt;
      const Value* found = PJ_TRY(find_entry(budget, value, key));
      return found == nullptr ? std::nullopt : std::optional(*found);
    }
    case Kind::kList:
    case Kind::kTuple: {
      if (!key.is_integral()) return std::nullopt;
      const auto place = place_of(key.integer(), static_cast<std::int64_t>(value.items().size()));
      return place ? std::optional(value.items()[*place]) : std::nullopt;
    }
    case Kind::kRange: {
      if (!key.is_integral()) return std::nullopt;
      const auto& range = value.as<RangeObject>();
      const auto place = place_of(key.integer(), range.count);
      if (!place) return std::nullopt;
      return Value::integer(range_element(range, static_cast<std::int64_t>(*place)));
    }
    case Kind::kString: {
      if (!key.is_integral()) return std::nullopt;
      const std::string_view text = value.text();
      PJ_TRY(budget.spend_reading(2 * text.size()));
      const auto place = place_of(key.integer(), count_code_points(text));
      if (!place) return std::nullopt;
      const std::size_t from = byte_of_code_point(text, static_cast<std::int64_t>(*place));
      const std::size_t bytes = code_point_at(text, from).bytes;
      return PJ_TRY(make_string(budget, std::string(text.substr(from, bytes)), value.is_markup()));
    }
    default:
      return std::nullopt;
  }
}

Result<Value> slice_of(Budget& budget, const Value& value, const Slice& slice) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_string()) return slice_string(budget, value, slice);
  if (value.is(Kind::kRange)) return slice_range(value, slice);
  if (!value.is_sequence())
    return undefined(fmt::format("a {} has no slices", kind_name(value.kind())));
  const Values& items = value.items();
  const Bounds bounds = PJ_TRY(slice_bounds(slice, static_cast<std::int64_t>(items.size())));
  PJ_TRY(budget.spend_bytes(static_cast<std::uint64_t>(bounds.count) * sizeof(Value)));
  Values result;
  for (std::int64_t n = 0; n < bounds.count; ++n) {
    result.push_back(items[static_cast<std::size_t>(bounds.start + n * bounds.step)]);
  }
  return value.is(Kind::kList) ? make_list(budget, std::move(result))
                               : make_tuple(budget, std::move(result));
}

}  // namespace pajamas::jinja
