// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/value.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

constexpr std::size_t kObjectBytes = 128;  // what one object costs, in time as well

Status check_depth(int depth) {
  if (depth <= kMaxValueDepth) return {};
  return value_error("lists and dicts nest deeper than {} levels", kMaxValueDepth);
}

int deepest(const Values& items) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  return depth;
}

template <typename T>
Result<Value> make_items(Budget& budget, Kind kind, std::shared_ptr<T> object, Values items) {
  PJ_TRY(budget.spend_bytes(kObjectBytes + items.size() * sizeof(Value)));
  object->depth = 1 + deepest(items);
  PJ_TRY(check_depth(object->depth));
  object->items = std::move(items);
  return Value::object(kind, std::move(object));
}

}  // namespace

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, 19> kNames = {
      "Undefined", "NoneType", "bool",      "int",       "float", "str",       "list",
      "tuple",     "dict",     "dict view", "generator", "range", "Namespace", "Macro",
      "function",  "method",   "loop",      "Cycler",    "Joiner"};
  return kNames[static_cast<std::size_t>(kind)];
}

Value Value::number(double value) {
  Value result(Kind::kFloat);
  result.number_ = value;
  return result;
}

Value Value::object(Kind kind, std::shared_ptr<Object> object) {
  Value result(kind);
  result.object_ = std::move(object);
  return result;
}

Value Value::reference(Kind kind, Object* object) {
  return Value::object(kind, std::shared_ptr<Object>(std::shared_ptr<void>(), object));
}

double Value::number() const {
  return kind_ == Kind::kFloat ? number_ : static_cast<double>(integer_);
}

std::string_view Value::text() const { return as<StringObject>().text; }

bool Value::is_markup() const { return is_string() && as<StringObject>().markup; }

const Values& Value::items() const { return as<ListObject>().items; }

const Entries& Value::entries() const { return as<DictObject>().entries; }

bool Value::is_same_object(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (object_ || other.object_) return object_ == other.object_;
  return kind_ == Kind::kFloat ? number_ == other.number_ : integer_ == other.integer_;
}

Value undefined(std::string why) {
  auto object = std::make_shared<StringObject>();
  object->text = std::move(why);
  return Value::object(Kind::kUndefined, std::move(object));
}

Value short_string(std::string_view text) {
  auto object = std::make_shared<StringObject>();
  object->text = text;
  return Value::object(Kind::kString, std::move(object));
}

Result<Value> make_string(Budget& budget, std::string text, bool markup) {
  PJ_TRY(budget.spend_bytes(kObjectBytes + text.size()));
  auto object = std::make_shared<StringObject>();
  object->text = std::move(text);
  object->markup = markup;
  return Value::object(Kind::kString, std::move(object));
}

Result<Value> make_list(Budget& budget, Values items) {
  return make_items(budget, Kind::kList, std::make_shared<ListObject>(), std::move(items));
}

Result<Value> make_tuple(Budget& budget, Values items) {
  return make_items(budget, Kind::kTuple, std::make_shared<ListObject>(), std::move(items));
}

Result<Value> make_iterator(Budget& budget, Values items) {
  return make_items(budget, Kind::kIterator, std::make_shared<IteratorObject>(), std::move(items));
}

Result<Value> make_view(Budget& budget, std::string_view name, Values items) {
  auto object = std::make_shared<ViewObject>();
  object->name = name;
  return make_items(budget, Kind::kView, std::move(object), std::move(items));
}

Result<Value> make_dict(Budget& budget, Entries entries) {
  PJ_TRY(budget.spend_bytes(kObjectBytes + entries.size() * 2 * sizeof(Value)));
  auto object = std::make_shared<DictObject>();
  int depth = 0;
  for (const auto& [key, value] : entries) depth = std::max({depth, key.depth(), value.depth()});
  object->depth = 1 + depth;
  PJ_TRY(check_depth(object->depth));
  object->entries = std::move(entries);
  return Value::object(Kind::kDict, std::move(object));
}

Result<Value> make_range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (step == 0) return value_error("range() arg 3 must not be zero");
  __extension__ using Wide = __int128;
  const Wide distance = step > 0 ? Wide{stop} - start : Wide{start} - stop;
  const Wide stride = step > 0 ? Wide{step} : -Wide{step};
  const Wide count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
  constexpr std::int64_t kMaxRange = 100'000;  // as in the sandbox of the reference
  if (count > kMaxRange) return value_error("the range has more than {} elements", kMaxRange);
  auto object = std::make_shared<RangeObject>();
  object->start = start;
  object->stop = stop;
  object->step = step;
  object->count = static_cast<std::int64_t>(count);
  return Value::object(Kind::kRange, std::move(object));
}

Result<Value> make_method(Budget& budget, Value self, std::string_view name) {
  PJ_TRY(budget.spend_bytes(kObjectBytes));
  auto object = std::make_shared<MethodObject>();
  object->depth = 1 + self.depth();
  PJ_TRY(check_depth(object->depth));
  object->self = std::move(self);
  object->name = name;
  return Value::object(Kind::kMethod, std::move(object));
}

namespace {

Result<Value> from_json(Budget& budget, const Json& json, int depth) {
  PJ_TRY(check_depth(depth));
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return value_error("the integer {} of the input needs more than 64 bits with sign", number);
      }
      return Value::integer(static_cast<std::int64_t>(number));
    }
    case Json::value_t::number_float:
      return Value::number(json.get<double>());
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (!is_valid_utf8(text)) return value_error("a string of the input is not valid UTF-8");
      return make_string(budget, text);
    }
    case Json::value_t::array: {
      Values items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(PJ_TRY(from_json(budget, item, depth + 1)));
      return make_list(budget, std::move(items));
    }
    case Json::value_t::object: {
      Entries entries;
      entries.reserve(json.size());
      for (const auto& [key, member] : json.get_ref<const Json::object_t&>()) {
        if (!is_valid_utf8(key)) return value_error("a key of the input is not valid UTF-8");
        Value name = PJ_TRY(make_string(budget, key));
        entries.emplace_back(std::move(name), PJ_TRY(from_json(budget, member, depth + 1)));
      }
      return make_dict(budget, std::move(entries));
    }
    default:
      return Value::none();
  }
}

}  // namespace

Result<Value> value_from_json(Budget& budget, const Json& json) {
  return from_json(budget, json, 1);
}

std::unexpected<Error> undefined_error(const Value& value) {
  PJ_CHECK(value.is_undefined());
  if (!value.has_object()) return value_error("a value is undefined");
  return value_error("{}", value.as<StringObject>().text);
}

}  // namespace pajamas::jinja
