// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "text/jinja/functions.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"
#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

// Runs the string method of that name on the value as text.
Result<Value> as_method(Runtime& runtime, const Value& value, std::string_view method,
                        const Arguments& arguments) {
  if (value.is_string()) return call_method(runtime, value, method, arguments);
  const Value text = PJ_TRY(make_string(runtime.budget, PJ_TRY(to_text(runtime.budget, value))));
  return call_method(runtime, text, method, arguments);
}

Result<Value> capitalize_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return as_method(runtime, value, "capitalize", arguments);
}

Result<Value> lower_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return as_method(runtime, value, "lower", arguments);
}

Result<Value> upper_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return as_method(runtime, value, "upper", arguments);
}

Result<Value> trim_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("trim", arguments, {"chars"}));
  Arguments characters;
  if (bound.is_given(0)) characters.positional.push_back(*bound[0]);
  return as_method(runtime, value, "strip", characters);
}

Result<Value> center_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("center", arguments, {"width"}));
  const std::int64_t width = PJ_TRY(bound.integer(0, 80));
  return as_method(runtime, value, "center", {{Value::integer(width)}, {}});
}

Result<Value> title_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("title", arguments, {}));
  const std::string text = PJ_TRY(to_text(runtime.budget, value));
  PJ_TRY(runtime.budget.spend_lookups(text.size()));
  PJ_TRY(runtime.budget.spend_bytes(text.size() * 8));
  const std::u32string points = to_code_points(text);
  std::string result;
  for (std::size_t at = 0; at < points.size();) {
    const auto separates = [&](char32_t c) {
      return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    };
    std::size_t end = at + 1;
    while (end < points.size() && separates(points[end]) == separates(points[at])) ++end;
    result += to_upper(from_code_points(std::u32string_view(points).substr(at, 1)));
    result += to_lower(from_code_points(std::u32string_view(points).substr(at + 1, end - at - 1)));
    at = end;
  }
  return make_string(runtime.budget, std::move(result));
}

Result<Value> replace_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("replace", arguments, {"old", "new", "count"}, 2));
  Budget& budget = runtime.budget;
  const Value text = PJ_TRY(make_string(budget, PJ_TRY(to_text(budget, value))));
  Arguments strings;
  for (const std::size_t parameter : {0, 1}) {
    strings.positional.push_back(
        PJ_TRY(make_string(budget, PJ_TRY(to_text(budget, *bound[parameter])))));
  }
  if (bound.is_given(2)) strings.positional.push_back(*bound[2]);
  return call_method(runtime, text, "replace", strings);
}

Result<Value> string_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("string", arguments, {}));
  if (value.is_string()) return value;
  return make_string(runtime.budget, PJ_TRY(to_text(runtime.budget, value)));
}

Result<Value> safe_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("safe", arguments, {}));
  return make_string(runtime.budget, PJ_TRY(to_text(runtime.budget, value)), true);
}

Result<Value> escape_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("escape", arguments, {}));
  if (value.is_markup()) return value;
  const std::string text = PJ_TRY(to_text(runtime.budget, value));
  PJ_TRY(runtime.budget.spend_bytes(text.size() * 5));
  return make_string(runtime.budget, escape_html(text), true);
}

Result<Value> force_escape_filter(Runtime& runtime, const Value& value,
                                  const Arguments& arguments) {
  PJ_TRY(bind("forceescape", arguments, {}));
  const std::string text = PJ_TRY(to_text(runtime.budget, value));
  PJ_TRY(runtime.budget.spend_bytes(text.size() * 5));
  return make_string(runtime.budget, escape_html(text), true);
}

Result<Value> format_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    return value_error("format: values are given by position and by name");
  }
  Budget& budget = runtime.budget;
  Value values;
  if (arguments.named.empty()) {
    values = PJ_TRY(make_tuple(budget, arguments.positional));
  } else {
    Entries entries;
    for (const auto& [name, named] : arguments.named) {
      entries.emplace_back(PJ_TRY(make_string(budget, name)), named);
    }
    values = PJ_TRY(make_dict(budget, std::move(entries)));
  }
  const std::string format = PJ_TRY(to_text(budget, value));
  return make_string(budget, PJ_TRY(format_percent(budget, format, values)));
}

Result<Value> indent_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("indent", arguments, {"width", "first", "blank"}));
  Budget& budget = runtime.budget;
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_string()) {
    return value_error("indent: a {}, expected a string", kind_name(value.kind()));
  }
  std::string indention;
  if (bound[0] != nullptr && bound[0]->is_string()) {
    indention = bound[0]->text();
  } else {
    indention = PJ_TRY(pad(budget, "", PJ_TRY(bound.integer(0, 4)), '<'));
  }
  const std::string text = std::string(value.text()) + "\n";
  PJ_TRY(budget.spend_bytes(text.size() * 2));
  const std::vector<std::string_view> lines = split_lines(text, false);
  PJ_TRY(budget.spend_bytes(lines.size() * (indention.size() + 16)));
  const bool blank = bound.flag(2, false);
  std::string result = bound.flag(1, false) ? indention : "";
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (at > 0) {
      result += '\n';
      if (blank || !lines[at].empty()) result += indention;
    }
    result += lines[at];
  }
  return make_string(budget, std::move(result), value.is_markup());
}

Result<Value> truncate_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("truncate", arguments, {"length", "killwords", "end", "leeway"}));
  if (value.is_undefined()) return make_string(runtime.budget, "");
  if (!value.is_string()) {
    return value_error("truncate: a {}, expected a string", kind_name(value.kind()));
  }
  const std::string_view text = value.text();
  const std::int64_t length = PJ_TRY(bound.integer(0, 255));
  const std::string_view end = PJ_TRY(bound.text(2, "..."));
  const std::int64_t leeway = bound.is_given(3) ? PJ_TRY(bound.integer(3, 5)) : 5;
  const std::int64_t end_length = count_code_points(end);
  if (length < end_length || leeway < 0) {
    return value_error("truncate: the length is {}, expected at least {}", length, end_length);
  }
  PJ_TRY(runtime.budget.spend_reading(text.size() * 2));
  const std::int64_t count = count_code_points(text);
  if (count <= length || count - length <= leeway) return value;
  std::string_view kept = text.substr(0, byte_of_code_point(text, length - end_length));
  if (!bound.flag(1, false)) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
  return make_string(runtime.budget, std::string(kept) + std::string(end));
}

Result<Value> wordcount_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("wordcount", arguments, {}));
  const std::string text = PJ_TRY(to_text(runtime.budget, value));
  PJ_TRY(runtime.budget.spend_lookups(text.size()));
  std::int64_t count = 0;
  bool inside = false;
  for (const char32_t c : to_code_points(text)) {
    const bool is_word = c == '_' || is_alphanumeric(c);
    if (is_word && !inside) ++count;
    inside = is_word;
  }
  return Value::integer(count);
}

std::string percent_encode(std::string_view text, bool in_query) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 0x80 && is_alphanumeric(byte)) || c == '_' || c == '.' || c == '-' ||
                       c == '~' || (c == '/' && !in_query);
    if (plain) {
      result += c;
    } else if (c == ' ' && in_query) {
      result += '+';
    } else {
      result += fmt::format("%{:02X}", byte);
    }
  }
  return result;
}

Result<Value> urlencode_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  PJ_TRY(bind("urlencode", arguments, {}));
  Budget& budget = runtime.budget;
  const auto encoded = [&](const Value& part, bool in_query) -> Result<std::string> {
    const std::string text = PJ_TRY(to_text(budget, part));
    PJ_TRY(budget.spend_bytes(text.size() * 3));
    return percent_encode(text, in_query);
  };
  if (value.is_string() || !is_iterable(value)) {
    return make_string(budget, PJ_TRY(encoded(value, false)));
  }
  const Value pairs =
      value.is(Kind::kDict) ? PJ_TRY(call_method(runtime, value, "items", {})) : value;
  std::string result;
  for (const Value& pair : PJ_TRY(elements_of(budget, pairs))) {
    const Values parts = PJ_TRY(elements_of(budget, pair));
    if (parts.size() != 2) return value_error("urlencode: a pair has {} parts", parts.size());
    if (!result.empty()) result += '&';
    result += PJ_TRY(encoded(parts[0], true));
    result += '=';
    result += PJ_TRY(encoded(parts[1], true));
  }
  return make_string(budget, std::move(result));
}

Result<Value> tojson_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Bound bound =
      PJ_TRY(bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = bound.flag(0, false);
  style.sort_keys = bound.flag(3, false);
  if (bound.is_given(1)) {
    style.item_separator = ",";
    if (bound[1]->is_string()) {
      style.indent = bound[1]->text();
    } else {
      style.indent = PJ_TRY(pad(runtime.budget, "", PJ_TRY(bound.integer(1, 0)), '<'));
    }
  }
  if (bound.is_given(2)) {
    const Values separators = PJ_TRY(elements_of(runtime.budget, *bound[2]));
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      return value_error("tojson: separators are two strings");
    }
    style.item_separator = separators[0].text();
    style.key_separator = separators[1].text();
  }
  return make_string(runtime.budget, PJ_TRY(to_json_text(runtime.budget, value, style)));
}

constexpr auto kTextFilters = std::to_array<FilterEntry>({
    {"capitalize", capitalize_filter},
    {"center", center_filter},
    {"e", escape_filter},
    {"escape", escape_filter},
    {"forceescape", force_escape_filter},
    {"format", format_filter},
    {"indent", indent_filter},
    {"lower", lower_filter},
    {"replace", replace_filter},
    {"safe", safe_filter},
    {"string", string_filter},
    {"title", title_filter},
    {"tojson", tojson_filter},
    {"trim", trim_filter},
    {"truncate", truncate_filter},
    {"upper", upper_filter},
    {"urlencode", urlencode_filter},
    {"wordcount", wordcount_filter},
});

}  // namespace

std::span<const FilterEntry> text_filters() { return kTextFilters; }

}  // namespace pajamas::jinja
