// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/lookup.h"

#include <algorithm>
#include <array>
#include <optional>

#include "text/jinja/functions.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"

namespace pajamas::jinja {
namespace {

constexpr auto kStringMethods = std::to_array<std::string_view>({
    "capitalize",   "casefold",    "center",    "count",      "encode",       "endswith",
    "expandtabs",   "find",        "format",    "format_map", "index",        "isalnum",
    "isalpha",      "isascii",     "isdecimal", "isdigit",    "isidentifier", "islower",
    "isnumeric",    "isprintable", "isspace",   "istitle",    "isupper",      "join",
    "ljust",        "lower",       "lstrip",    "maketrans",  "partition",    "removeprefix",
    "removesuffix", "replace",     "rfind",     "rindex",     "rjust",        "rpartition",
    "rsplit",       "rstrip",      "split",     "splitlines", "startswith",   "strip",
    "swapcase",     "title",       "translate", "upper",      "zfill",
});
constexpr auto kDictMethods =
    std::to_array<std::string_view>({"copy", "fromkeys", "get", "items", "keys", "values"});
constexpr auto kDictChanges =
    std::to_array<std::string_view>({"clear", "pop", "popitem", "setdefault", "update"});
constexpr auto kListMethods = std::to_array<std::string_view>({"copy", "count", "index"});
constexpr auto kListChanges = std::to_array<std::string_view>(
    {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
constexpr auto kTupleMethods = std::to_array<std::string_view>({"count", "index"});
constexpr auto kLoopMethods = std::to_array<std::string_view>({"cycle", "changed"});
constexpr auto kCyclerMethods = std::to_array<std::string_view>({"next", "reset"});
// What every object of Python has; the sandbox refuses all of it.
constexpr auto kInternal = std::to_array<std::string_view>(
    {"__class__", "__init__", "__doc__", "__dict__", "__mro__", "__subclasses__", "__eq__",
     "__repr__", "__str__", "__getattribute__", "__reduce__", "__reduce_ex__", "__hash__"});

template <typename Names>
bool has(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Value unsafe(const Value& value, std::string_view name) {
  return undefined(fmt::format("access to the attribute '{}' of a {} is refused: it is unsafe",
                               name, kind_name(value.kind())));
}

bool is_method(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::kString:
      return has(kStringMethods, name);
    case Kind::kDict:
      return has(kDictMethods, name);
    case Kind::kList:
      return has(kListMethods, name);
    case Kind::kTuple:
    case Kind::kRange:
      return has(kTupleMethods, name);
    case Kind::kLoop:
      return has(kLoopMethods, name);
    case Kind::kCycler:
      return has(kCyclerMethods, name);
    case Kind::kFunction:
      return name == "fromkeys" && is_dict_function(value);
    default:
      return false;
  }
}

bool is_change(const Value& value, std::string_view name) {
  if (value.is(Kind::kDict)) return has(kDictChanges, name);
  return value.is(Kind::kList) && has(kListChanges, name);
}

Result<std::optional<Value>> range_attribute(const Value& value, std::string_view name) {
  const auto& range = value.as<RangeObject>();
  if (name == "start") return Value::integer(range.start);
  if (name == "stop") return Value::integer(range.stop);
  if (name == "step") return Value::integer(range.step);
  return std::nullopt;
}

Value missing(const Value& value, std::string_view name) {
  return undefined(
      fmt::format("a value of type {} has no attribute '{}'", kind_name(value.kind()), name));
}

}  // namespace

Result<std::optional<Value>> type_attribute(Budget& budget, const Value& value,
                                            std::string_view name) {
  if (value.is_undefined()) return undefined_error(value);
  if (is_method(value, name)) return PJ_TRY(make_method(budget, value, name));
  if (is_change(value, name) || has(kInternal, name)) return unsafe(value, name);
  switch (value.kind()) {
    case Kind::kNamespace:
      for (const auto& [key, attribute] : value.as<NamespaceObject>().attributes) {
        if (key == name) return attribute;
      }
      return std::nullopt;
    case Kind::kLoop:
      return value.as<LoopAccess>().attribute(name);
    case Kind::kRange:
      return range_attribute(value, name);
    case Kind::kCycler: {
      const auto& cycler = value.as<CyclerObject>();
      if (name == "current") return cycler.items[cycler.position];
      return std::nullopt;
    }
    case Kind::kTuple:
      return group_attribute(value, name);
    case Kind::kBool:
    case Kind::kInt:
      if (name == "real" || name == "numerator") return Value::integer(value.integer());
      if (name == "imag") return Value::integer(0);
      if (name == "denominator") return Value::integer(1);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

Result<Value> get_attribute(Budget& budget, const Value& value, std::string_view name) {
  if (std::optional<Value> found = PJ_TRY(type_attribute(budget, value, name))) return *found;
  if (value.is(Kind::kDict)) {
    for (const auto& [key, member] : value.entries()) {
      if (key.is_string() && key.text() == name) return member;
    }
    PJ_TRY(budget.spend_steps(value.entries().size() / 8));
  }
  return missing(value, name);
}

Result<Value> get_item(Budget& budget, const Value& value, const Value& key) {
  if (std::optional<Value> found = PJ_TRY(find_item(budget, value, key))) return *found;
  if (!key.is_string()) {
    PJ_TRY(budget.spend_steps());
    if (key.is_undefined() || key.depth() > 1) {
      return undefined(
          fmt::format("a value of type {} has no such element", kind_name(value.kind())));
    }
    return undefined(fmt::format("a value of type {} has no element {}", kind_name(value.kind()),
                                 PJ_TRY(to_repr(budget, key))));
  }
  const std::string_view name = key.text();
  if (std::optional<Value> found = PJ_TRY(type_attribute(budget, value, name))) return *found;
  return missing(value, name.substr(0, byte_of_code_point(name, 80)));
}

}  // namespace pajamas::jinja
