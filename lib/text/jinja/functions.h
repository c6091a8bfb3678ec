// SPDX-License-Identifier: Apache-2.0
// What a template can call by name: filters, tests, methods of values, and global functions. Each
// group is a table in its source file.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "text/jinja/formatting.h"
#include "text/jinja/value.h"

namespace pajamas::jinja {

Result<Value> call_filter(Runtime& runtime, std::string_view name, const Value& value,
                          const Arguments& arguments);
Result<bool> call_test(Runtime& runtime, std::string_view name, const Value& value,
                       const Arguments& arguments);
// The methods of strings, dicts, lists and ranges; those of loops are the interpreter's.
Result<Value> call_method(Runtime& runtime, const Value& self, std::string_view name,
                          const Arguments& arguments);

bool has_filter(std::string_view name);
bool has_test(std::string_view name);

// The global function of that name; nothing when there is none.
std::optional<Value> global_function(std::string_view name);
Result<Value> call_function(Runtime& runtime, const Value& function, const Arguments& arguments);
bool is_dict_function(const Value& function);

// grouper and list of the tuples that groupby makes.
std::optional<Value> group_attribute(const Value& tuple, std::string_view name);

struct FilterEntry {
  std::string_view name;
  Result<Value> (*apply)(Runtime& runtime, const Value& value, const Arguments& arguments);
};
std::span<const FilterEntry> text_filters();
std::span<const FilterEntry> sequence_filters();
std::span<const FilterEntry> number_filters();

// Arguments by position or name, as Python binds them. A parameter that is not given is null.
class Bound {
 public:
  [[nodiscard]] const Value* operator[](std::size_t parameter) const { return values_[parameter]; }
  [[nodiscard]] bool is_given(std::size_t parameter) const {
    return values_[parameter] != nullptr && !values_[parameter]->is_none();
  }
  Result<std::int64_t> integer(std::size_t parameter, std::int64_t otherwise) const;
  Result<std::string_view> text(std::size_t parameter, std::string_view otherwise) const;
  [[nodiscard]] bool flag(std::size_t parameter, bool otherwise) const;

 private:
  friend Result<Bound> bind(std::string_view, const Arguments&,
                            std::initializer_list<std::string_view>, std::size_t);
  std::string_view function_;
  std::vector<std::string_view> parameters_;
  std::vector<const Value*> values_;
};
// `function` and `parameters` are literals.
Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> parameters, std::size_t required = 0);

}  // namespace pajamas::jinja
