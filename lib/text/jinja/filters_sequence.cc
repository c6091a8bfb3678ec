// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "text/jinja/functions.h"
#include "text/jinja/lookup.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"

namespace pajamas::jinja {
namespace {

// A dotted path such as "function.name" or "0.text", followed from each element.
struct Path {
  Values parts;
  std::optional<Value> otherwise;  // what an undefined part is replaced by
};

Result<Path> parse_path(Budget& budget, const Value& attribute) {
  Path path;
  if (attribute.is_none()) return path;
  if (!attribute.is_string()) {
    path.parts.push_back(attribute);
    return path;
  }
  std::string_view rest = attribute.text();
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool is_index =
        !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    const auto index = is_index ? parse_int(part, 10) : std::nullopt;
    path.parts.push_back(index ? Value::integer(*index)
                               : PJ_TRY(make_string(budget, std::string(part))));
    if (dot == rest.size()) return path;
    rest.remove_prefix(dot + 1);
  }
}

Result<Value> follow(Budget& budget, const Path& path, Value item) {
  for (const Value& part : path.parts) {
    item = PJ_TRY(get_item(budget, item, part));
    if (path.otherwise && item.is_undefined()) item = *path.otherwise;
  }
  return item;
}

Result<Value> without_case(Budget& budget, Value value) {
  if (!value.is_string()) return value;
  PJ_TRY(budget.spend_lookups(value.text().size()));
  PJ_TRY(budget.spend_bytes(value.text().size() * 4));
  return make_string(budget, to_lower(value.text()));
}

// What elements are ordered by: several paths separated by commas.
class Key {
 public:
  static Result<Key> parse(Budget& budget, const Value* attribute, bool case_sensitive) {
    Key key;
    key.case_sensitive_ = case_sensitive;
    if (attribute == nullptr || !attribute->is_string()) {
      key.paths_.push_back(
          PJ_TRY(parse_path(budget, attribute == nullptr ? Value::none() : *attribute)));
      return key;
    }
    std::string_view rest = attribute->text();
    while (true) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const Value one = PJ_TRY(make_string(budget, std::string(rest.substr(0, comma))));
      key.paths_.push_back(PJ_TRY(parse_path(budget, one)));
      if (comma == rest.size()) return key;
      rest.remove_prefix(comma + 1);
    }
  }
  static Key of_path(Path path, bool case_sensitive) {
    Key key;
    key.paths_.push_back(std::move(path));
    key.case_sensitive_ = case_sensitive;
    return key;
  }

  [[nodiscard]] Result<Value> one(Budget& budget, const Value& item) const {
    return part(budget, paths_.front(), item);
  }
  [[nodiscard]] Result<Value> of(Budget& budget, const Value& item) const {
    if (paths_.size() == 1) return one(budget, item);
    Values parts;
    for (const Path& path : paths_) parts.push_back(PJ_TRY(part(budget, path, item)));
    return make_list(budget, std::move(parts));
  }

 private:
  [[nodiscard]] Result<Value> part(Budget& budget, const Path& path, const Value& item) const {
    Value value = PJ_TRY(follow(budget, path, item));
    return case_sensitive_ ? value : without_case(budget, std::move(value));
  }
  std::vector<Path> paths_;
  bool case_sensitive_ = false;
};

struct Keyed {
  Value key;
  Value item;
};

// A stable merge sort whose comparison can fail.
Status sort_keyed(Budget& budget, std::vector<Keyed>& items) {
  std::vector<Keyed> sorted(items.size());
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t start = 0; start < items.size(); start += 2 * width) {
      const std::size_t middle = std::min(start + width, items.size());
      const std::size_t end = std::min(start + 2 * width, items.size());
      std::size_t left = start, right = middle;
      for (std::size_t out = start; out < end; ++out) {
        bool take_right = left == middle;
        if (!take_right && right < end) {
          take_right = PJ_TRY(compare(budget, Operator::kLess, items[right].key, items[left].key));
        }
        sorted[out] = std::move(take_right ? items[right++] : items[left++]);
      }
    }
    std::swap(items, sorted);
  }
  return {};
}

Result<std::vector<Keyed>> keyed(Budget& budget, const Values& elements, const Key& key) {
  PJ_TRY(budget.spend_bytes(elements.size() * sizeof(Keyed) * 2));
  std::vector<Keyed> items;
  for (const Value& element : elements) {
    items.push_back({PJ_TRY(key.of(budget, element)), element});
  }
  return items;
}

Result<Value> sorted_list(Budget& budget, const Values& elements, const Key& key, bool reverse) {
  std::vector<Keyed> items = PJ_TRY(keyed(budget, elements, key));
  // Equal elements keep their order in both directions.
  if (reverse) std::ranges::reverse(items);
  PJ_TRY(sort_keyed(budget, items));
  if (reverse) std::ranges::reverse(items);
  Values result;
  for (Keyed& item : items) result.push_back(std::move(item.item));
  return make_list(budget, std::move(result));
}

Result<Value> sort_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  const Key key = PJ_TRY(Key::parse(runtime.budget, bound[2], bound.flag(1, false)));
  return sorted_list(runtime.budget, PJ_TRY(elements_of(runtime.budget, value)), key,
                     bound.flag(0, false));
}

Result<Value> dictsort_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  const std::string_view by = PJ_TRY(bound.text(1, "key"));
  if (by != "key" && by != "value") return value_error("dictsort: by is 'key' or 'value'");
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is(Kind::kDict))
    return value_error("dictsort: a {}, expected a dict", kind_name(value.kind()));
  const Value pairs = PJ_TRY(call_method(runtime, value, "items", {}));
  Path path;
  path.parts.push_back(Value::integer(by == "key" ? 0 : 1));
  return sorted_list(runtime.budget, PJ_TRY(elements_of(runtime.budget, pairs)),
                     Key::of_path(std::move(path), bound.flag(0, false)), bound.flag(2, false));
}

Result<Value> extreme(Runtime& runtime, const Value& value, const Arguments& arguments,
                      Operator better) {
  Budget& budget = runtime.budget;
  const Bound bound = PJ_TRY(
      bind(better == Operator::kLess ? "min" : "max", arguments, {"case_sensitive", "attribute"}));
  const Path path = PJ_TRY(parse_path(budget, bound[1] == nullptr ? Value::none() : *bound[1]));
  const Key key = Key::of_path(path, bound.flag(0, false));
  const Values elements = PJ_TRY(elements_of(budget, value));
  if (elements.empty()) return undefined("no aggregated item, the sequence was empty");
  Value best = elements[0];
  Value best_key = PJ_TRY(key.one(budget, best));
  for (std::size_t at = 1; at < elements.size(); ++at) {
    Value other = PJ_TRY(key.one(budget, elements[at]));
    if (PJ_TRY(compare(budget, better, other, best_key))) {
      best = elements[at];
      best_key = std::move(other);
    }
  }
  return best;
}

Result<Value> min_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return extreme(runtime, value, arguments, Operator::kLess);
}

Result<Value> max_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return extreme(runtime, value, arguments, Operator::kGreater);
}

Result<Value> unique_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  const Bound bound = PJ_TRY(bind("unique", arguments, {"case_sensitive", "attribute"}));
  const Path path = PJ_TRY(parse_path(budget, bound[1] == nullptr ? Value::none() : *bound[1]));
  const Key key = Key::of_path(path, bound.flag(0, false));
  Values seen, result;
  for (const Value& element : PJ_TRY(elements_of(budget, value))) {
    const Value own = PJ_TRY(key.one(budget, element));
    if (own.is(Kind::kList) || own.is(Kind::kDict)) {
      return value_error("unique: a {} cannot be hashed", kind_name(own.kind()));
    }
    bool known = false;
    for (const Value& other : seen) {
      known = PJ_TRY(equals(budget, own, other));
      if (known) break;
    }
    if (known) continue;
    seen.push_back(own);
    result.push_back(element);
  }
  return make_iterator(budget, std::move(result));
}

Result<Value> groupby_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  const Bound bound =
      PJ_TRY(bind("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1));
  Path path = PJ_TRY(parse_path(budget, *bound[0]));
  if (bound.is_given(1)) path.otherwise = *bound[1];
  const Key key = Key::of_path(path, bound.flag(2, false));
  std::vector<Keyed> items = PJ_TRY(keyed(budget, PJ_TRY(elements_of(budget, value)), key));
  PJ_TRY(sort_keyed(budget, items));
  Values groups;
  for (std::size_t at = 0; at < items.size();) {
    Values members;
    const std::size_t first = at;
    do {
      members.push_back(items[at++].item);
    } while (at < items.size() && PJ_TRY(equals(budget, items[at].key, items[first].key)));
    Value name = PJ_TRY(follow(budget, path, members[0]));
    Value list = PJ_TRY(make_list(budget, std::move(members)));
    Value group = PJ_TRY(make_tuple(budget, {std::move(name), std::move(list)}));
    group.as<ListObject>().is_group = true;
    groups.push_back(std::move(group));
  }
  return make_list(budget, std::move(groups));
}

Result<Value> sum_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  const Bound bound = PJ_TRY(bind("sum", arguments, {"attribute", "start"}));
  const Path path = PJ_TRY(parse_path(budget, bound[0] == nullptr ? Value::none() : *bound[0]));
  Value total = bound[1] == nullptr ? Value::integer(0) : *bound[1];
  if (total.is_string()) return value_error("sum: strings are joined with join");
  for (const Value& element : PJ_TRY(elements_of(budget, value))) {
    total = PJ_TRY(calculate(budget, Operator::kAdd, total, PJ_TRY(follow(budget, path, element))));
  }
  return total;
}

Result<Value> join_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  const Bound bound = PJ_TRY(bind("join", arguments, {"d", "attribute"}));
  const std::string separator =
      bound[0] == nullptr ? std::string() : PJ_TRY(to_text(budget, *bound[0]));
  const Path path = PJ_TRY(parse_path(budget, bound[1] == nullptr ? Value::none() : *bound[1]));
  std::string result;
  bool first = true;
  for (const Value& element : PJ_TRY(elements_of(budget, value))) {
    if (!first) {
      PJ_TRY(budget.spend_bytes(separator.size()));
      result += separator;
    }
    first = false;
    result += PJ_TRY(to_text(budget, PJ_TRY(follow(budget, path, element))));
  }
  return make_string(budget, std::move(result));
}

Result<Value> map_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  Values result;
  if (arguments.positional.empty()) {
    const Bound bound = PJ_TRY(bind("map", arguments, {"attribute", "default"}));
    if (bound[0] == nullptr) return value_error("map: needs a filter or an attribute");
    Path path = PJ_TRY(parse_path(budget, *bound[0]));
    if (bound.is_given(1)) path.otherwise = *bound[1];
    for (const Value& element : PJ_TRY(elements_of(budget, value))) {
      result.push_back(PJ_TRY(follow(budget, path, element)));
    }
    return make_iterator(budget, std::move(result));
  }
  const Value& name = arguments.positional[0];
  if (!name.is_string())
    return value_error("map: the filter's name is a {}", kind_name(name.kind()));
  const Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()},
                       arguments.named};
  for (const Value& element : PJ_TRY(elements_of(budget, value))) {
    result.push_back(PJ_TRY(call_filter(runtime, name.text(), element, rest)));
  }
  return make_iterator(budget, std::move(result));
}

enum class Keep { kWhenTrue, kWhenFalse };
enum class Look { kAtElement, kAtAttribute };

Result<Value> filtered(Runtime& runtime, const Value& value, const Arguments& arguments, Keep keep,
                       Look look) {
  Budget& budget = runtime.budget;
  std::size_t used = 0;
  Path path;
  if (!is_true(value)) return make_iterator(budget, {});
  if (look == Look::kAtAttribute) {
    if (arguments.positional.empty()) return value_error("selectattr: the attribute is missing");
    path = PJ_TRY(parse_path(budget, arguments.positional[used++]));
  }
  std::optional<Value> test;
  if (used < arguments.positional.size()) test = arguments.positional[used++];
  if (test && !test->is_string()) {
    return value_error("select: the test's name is a {}", kind_name(test->kind()));
  }
  const Arguments rest{{arguments.positional.begin() + static_cast<std::ptrdiff_t>(used),
                        arguments.positional.end()},
                       arguments.named};
  Values result;
  for (const Value& element : PJ_TRY(elements_of(budget, value))) {
    const Value own = PJ_TRY(follow(budget, path, element));
    const bool passes = test ? PJ_TRY(call_test(runtime, test->text(), own, rest)) : is_true(own);
    if (passes == (keep == Keep::kWhenTrue)) result.push_back(element);
  }
  return make_iterator(budget, std::move(result));
}

Result<Value> select_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return filtered(runtime, value, arguments, Keep::kWhenTrue, Look::kAtElement);
}

Result<Value> reject_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return filtered(runtime, value, arguments, Keep::kWhenFalse, Look::kAtElement);
}

Result<Value> selectattr_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return filtered(runtime, value, arguments, Keep::kWhenTrue, Look::kAtAttribute);
}

Result<Value> rejectattr_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return filtered(runtime, value, arguments, Keep::kWhenFalse, Look::kAtAttribute);
}

Result<Value> batch_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  const Bound bound = PJ_TRY(bind("batch", arguments, {"linecount", "fill_with"}, 1));
  const std::int64_t wanted = PJ_TRY(bound.integer(0, 1));
  if (wanted < 1) return value_error("batch: linecount is {}, expected at least 1", wanted);
  const auto line = static_cast<std::size_t>(wanted);
  const Values elements = PJ_TRY(elements_of(budget, value));
  Values result;
  for (std::size_t at = 0; at < elements.size(); at += line) {
    Values batch(
        elements.begin() + static_cast<std::ptrdiff_t>(at),
        elements.begin() + static_cast<std::ptrdiff_t>(at + std::min(line, elements.size() - at)));
    if (bound.is_given(1) && batch.size() < line) {
      PJ_TRY(budget.spend_steps(line));
      PJ_TRY(budget.spend_bytes(line * sizeof(Value)));
      batch.resize(line, *bound[1]);
    }
    result.push_back(PJ_TRY(make_list(budget, std::move(batch))));
    if (line >= elements.size()) break;
  }
  return make_iterator(budget, std::move(result));
}

Result<Value> slice_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  Budget& budget = runtime.budget;
  const Bound bound = PJ_TRY(bind("slice", arguments, {"slices", "fill_with"}, 1));
  const std::int64_t wanted = PJ_TRY(bound.integer(0, 1));
  if (wanted < 1) return value_error("slice: slices is {}, expected at least 1", wanted);
  const auto slices = static_cast<std::size_t>(wanted);
  const Values elements = PJ_TRY(elements_of(budget, value));
  const std::size_t shorter = elements.size() / slices;
  const std::size_t longer_slices = elements.size() % slices;
  Values result;
  std::size_t at = 0;
  for (std::size_t slice = 0; slice < slices; ++slice) {
    const std::size_t count = shorter + (slice < longer_slices ? 1 : 0);
    Values part(elements.begin() + static_cast<std::ptrdiff_t>(at),
                elements.begin() + static_cast<std::ptrdiff_t>(at + count));
    at += count;
    if (bound.is_given(1) && slice >= longer_slices) part.push_back(*bound[1]);
    result.push_back(PJ_TRY(make_list(budget, std::move(part))));
  }
  return make_iterator(budget, std::move(result));
}

Result<Value> list_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("list", arguments, {}));
  return make_list(runtime.budget, PJ_TRY(elements_of(runtime.budget, value)));
}

Result<Value> length_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("length", arguments, {}));
  return Value::integer(PJ_TRY(length_of(runtime.budget, value)));
}

Result<Value> first_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("first", arguments, {}));
  if (value.is(Kind::kIterator)) {
    auto& iterator = value.as<IteratorObject>();
    if (iterator.next < iterator.items.size()) return iterator.items[iterator.next++];
    return undefined("no first item, the sequence was empty");
  }
  const Values elements = PJ_TRY(elements_of(runtime.budget, value));
  if (elements.empty()) return undefined("no first item, the sequence was empty");
  return elements.front();
}

Result<Value> last_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("last", arguments, {}));
  if (value.is(Kind::kIterator)) return value_error("last: a generator cannot be reversed");
  const Values elements = PJ_TRY(elements_of(runtime.budget, value));
  if (elements.empty()) return undefined("no last item, the sequence was empty");
  return elements.back();
}

Result<Value> reverse_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("reverse", arguments, {}));
  Budget& budget = runtime.budget;
  if (value.is_string()) {
    return slice_of(budget, value, {Value::none(), Value::none(), Value::integer(-1)});
  }
  Values elements = PJ_TRY(elements_of(budget, value));
  std::ranges::reverse(elements);
  if (value.is(Kind::kIterator)) return make_list(budget, std::move(elements));
  return make_iterator(budget, std::move(elements));
}

Result<Value> items_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("items", arguments, {}));
  if (value.is_undefined()) return make_iterator(runtime.budget, {});
  if (!value.is(Kind::kDict)) {
    return value_error("items: a {}, expected a dict", kind_name(value.kind()));
  }
  const Value view = PJ_TRY(call_method(runtime, value, "items", {}));
  return make_iterator(runtime.budget, view.items());
}

Result<Value> default_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("default", arguments, {"default_value", "boolean"}));
  const bool replaced = value.is_undefined() || (bound.flag(1, false) && !is_true(value));
  if (!replaced) return value;
  return bound[0] == nullptr ? make_string(runtime.budget, "") : *bound[0];
}

Result<Value> attr_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("attr", arguments, {"name"}, 1));
  const std::string_view name = PJ_TRY(bound.text(0, ""));
  if (auto found = PJ_TRY(type_attribute(runtime.budget, value, name))) return *found;
  return undefined(fmt::format("a {} has no such attribute", kind_name(value.kind())));
}

constexpr auto kSequenceFilters = std::to_array<FilterEntry>({
    {"attr", attr_filter},       {"batch", batch_filter},     {"count", length_filter},
    {"d", default_filter},       {"default", default_filter}, {"dictsort", dictsort_filter},
    {"first", first_filter},     {"groupby", groupby_filter}, {"items", items_filter},
    {"join", join_filter},       {"last", last_filter},       {"length", length_filter},
    {"list", list_filter},       {"map", map_filter},         {"max", max_filter},
    {"min", min_filter},         {"reject", reject_filter},   {"rejectattr", rejectattr_filter},
    {"reverse", reverse_filter}, {"select", select_filter},   {"selectattr", selectattr_filter},
    {"slice", slice_filter},     {"sort", sort_filter},       {"sum", sum_filter},
    {"unique", unique_filter},
});

}  // namespace

std::optional<Value> group_attribute(const Value& tuple, std::string_view name) {
  if (!tuple.as<ListObject>().is_group) return std::nullopt;
  if (name == "grouper") return tuple.items()[0];
  if (name == "list") return tuple.items()[1];
  return std::nullopt;
}

std::span<const FilterEntry> sequence_filters() { return kSequenceFilters; }

}  // namespace pajamas::jinja
