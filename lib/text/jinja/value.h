// SPDX-License-Identifier: Apache-2.0
// The values of a template, with the types and semantics of Python's.
//
// A Value is a kind with a number or a reference to an object. Strings, lists, tuples and dicts
// never change once made, as in a sandbox that refuses to modify them, so copies share one object.
// Namespaces, macros and loops can refer to each other; a Runtime or an interpreter owns those and
// values only point at them, so that no cycle of owners can exist. make_* pays from the budget.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/jinja/budget.h"

namespace pajamas::jinja {

enum class Kind : std::uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kTuple,
  kDict,
  kView,      // dict.items(), keys(), values()
  kIterator,  // what filters such as map give: it can be walked once
  kRange,
  kNamespace,
  kMacro,
  kFunction,
  kMethod,
  kLoop,
  kCycler,
  kJoiner,
};

// How Python calls the type, for messages.
std::string_view kind_name(Kind kind);

struct Object {
  int depth = 1;  // 1 + that of the deepest value inside
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
};

class Value;
using Values = std::vector<Value>;
using Entries = std::vector<std::pair<Value, Value>>;

class Value {
 public:
  Value() = default;  // undefined
  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool value) { return Value(Kind::kBool, value ? 1 : 0); }
  static Value integer(std::int64_t value) { return Value(Kind::kInt, value); }
  static Value number(double value);
  static Value object(Kind kind, std::shared_ptr<Object> object);
  // Points at an object that someone else keeps alive.
  static Value reference(Kind kind, Object* object);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  [[nodiscard]] bool is_undefined() const { return kind_ == Kind::kUndefined; }
  [[nodiscard]] bool is_none() const { return kind_ == Kind::kNone; }
  [[nodiscard]] bool is_string() const { return kind_ == Kind::kString; }
  [[nodiscard]] bool is_integral() const { return is(Kind::kBool) || is(Kind::kInt); }
  [[nodiscard]] bool is_number() const { return is_integral() || is(Kind::kFloat); }
  [[nodiscard]] bool is_sequence() const { return is(Kind::kList) || is(Kind::kTuple); }

  [[nodiscard]] std::int64_t integer() const { return integer_; }  // of a bool or an int
  [[nodiscard]] double number() const;                             // of any number
  [[nodiscard]] std::string_view text() const;                     // of a string
  [[nodiscard]] bool is_markup() const;                            // a string marked as safe
  [[nodiscard]] const Values& items() const;     // of a list, tuple, view or iterator
  [[nodiscard]] const Entries& entries() const;  // of a dict
  [[nodiscard]] int depth() const { return object_ ? object_->depth : 1; }
  [[nodiscard]] bool is_same_object(const Value& other) const;

  template <typename T>
  [[nodiscard]] T& as() const {
    return static_cast<T&>(*object_);
  }
  [[nodiscard]] bool has_object() const { return object_ != nullptr; }

 private:
  explicit Value(Kind kind, std::int64_t integer = 0) : kind_(kind), integer_(integer) {}

  Kind kind_ = Kind::kUndefined;
  union {
    std::int64_t integer_ = 0;
    double number_;
  };
  // Shared by every variable, container and constant of the template that has this value.
  std::shared_ptr<Object> object_;
};

struct StringObject : Object {
  std::string text;  // of an undefined value: why it is undefined
  bool markup = false;
};
struct ListObject : Object {
  Values items;
  bool is_group = false;  // a tuple of groupby, whose items have names too
};
struct DictObject : Object {
  Entries entries;
};
struct ViewObject : ListObject {
  std::string_view name;  // dict_items, ...
};
struct IteratorObject : ListObject {
  std::size_t next = 0;
};
struct RangeObject : Object {
  std::int64_t start = 0, stop = 0, step = 1, count = 0;
};
struct NamespaceObject : Object {
  std::vector<std::pair<std::string, Value>> attributes;
};
struct MethodObject : Object {
  Value self;
  std::string name;
};
struct CyclerObject : Object {
  Values items;
  std::size_t position = 0;
};
struct JoinerObject : Object {
  std::string separator;
  bool used = false;
};

// What the built-in functions share during one rendering.
struct Runtime {
  explicit Runtime(const Limits& limits) : budget(limits) {}

  Budget budget;
  std::optional<std::int64_t> now_s;  // seconds since 1970; the clock when absent
  std::deque<NamespaceObject> namespaces;
};

Value undefined(std::string why);
Value short_string(std::string_view text);  // for text of the program's own, a few bytes
Result<Value> make_string(Budget& budget, std::string text, bool markup = false);
Result<Value> make_list(Budget& budget, Values items);
Result<Value> make_tuple(Budget& budget, Values items);
Result<Value> make_iterator(Budget& budget, Values items);
Result<Value> make_view(Budget& budget, std::string_view name, Values items);
Result<Value> make_dict(Budget& budget, Entries entries);
Result<Value> make_range(std::int64_t start, std::int64_t stop, std::int64_t step);
Result<Value> make_method(Budget& budget, Value self, std::string_view name);
// From JSON, keeping the order of members. An integer beyond 64 bits with sign is an error.
Result<Value> value_from_json(Budget& budget, const Json& json);

// The error of an operation on an undefined value.
std::unexpected<Error> undefined_error(const Value& value);

template <typename... Args>
[[nodiscard]] std::unexpected<Error> value_error(fmt::format_string<Args...> format,
                                                 Args&&... args) {
  return make_error(ErrorCode::kInvalidData, format, std::forward<Args>(args)...);
}

}  // namespace pajamas::jinja
