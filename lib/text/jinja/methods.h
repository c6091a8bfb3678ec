// SPDX-License-Identifier: Apache-2.0
// The methods of one type each, called by name; the name is one that the type has.
#pragma once

#include <string_view>

#include "text/jinja/functions.h"

namespace pajamas::jinja {

Result<Value> call_string_method(Runtime& runtime, const Value& self, std::string_view name,
                                 const Arguments& arguments);

}  // namespace pajamas::jinja
