// SPDX-License-Identifier: Apache-2.0
// value.name and value[key] as the reference's sandbox resolves them: a dot prefers the methods of
// the type, a bracket prefers elements; names with an underscore and methods that would change a
// value are refused, which makes the result undefined.
#pragma once

#include <optional>
#include <string_view>

#include "text/jinja/value.h"

namespace pajamas::jinja {

Result<Value> get_attribute(Budget& budget, const Value& value, std::string_view name);
// The attribute that the type itself has, without the elements of a dict.
Result<std::optional<Value>> type_attribute(Budget& budget, const Value& value,
                                            std::string_view name);
Result<Value> get_item(Budget& budget, const Value& value, const Value& key);

// The attributes of the innermost loop; nothing when it has no such name. Defined where loops are.
struct LoopAccess : Object {
  virtual Result<std::optional<Value>> attribute(std::string_view name) = 0;
};

}  // namespace pajamas::jinja
