// SPDX-License-Identifier: Apache-2.0
// Values as text: what a template prints (Python's str), the literal form (repr), and JSON as
// Python's json module writes it. All pay from the budget while they print.
#pragma once

#include <optional>
#include <string>

#include "text/jinja/value.h"

namespace pajamas::jinja {

Result<std::string> to_text(Budget& budget, const Value& value);
Result<std::string> to_repr(Budget& budget, const Value& value);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // what one level is indented by; absent: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
Result<std::string> to_json_text(Budget& budget, const Value& value, const JsonStyle& style);

// & < > " ' replaced by references, as the escape filter does.
std::string escape_html(std::string_view text);

}  // namespace pajamas::jinja
