// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/printing.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "text/jinja/python_text.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

// Appends to one string and pays for what it appends.
class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  Status add(std::string_view text) {
    PJ_TRY(budget_.spend_bytes(text.size()));
    out_ += text;
    return {};
  }
  Status repr(const Value& value);
  Status json(const Value& value, const JsonStyle& style, int level);
  std::string take() { return std::move(out_); }

 private:
  Status repr_items(std::string_view open, const Values& items, std::string_view close);
  Status repr_dict(const Value& value);
  Status repr_object(const Value& value);
  Status json_string(std::string_view text, const JsonStyle& style);
  Status json_array(const Value& value, const JsonStyle& style, int level);
  Status json_object(const Value& value, const JsonStyle& style, int level);
  Status json_break(const JsonStyle& style, int level);

  Budget& budget_;
  std::string out_;
  int namespaces_inside_ = 0;
};

Status Printer::repr_items(std::string_view open, const Values& items, std::string_view close) {
  PJ_TRY(add(open));
  bool first = true;
  for (const Value& item : items) {
    if (!std::exchange(first, false)) PJ_TRY(add(", "));
    PJ_TRY(repr(item));
  }
  return add(close);
}

Status Printer::repr_dict(const Value& value) {
  PJ_TRY(add("{"));
  bool first = true;
  for (const auto& [key, member] : value.entries()) {
    if (!std::exchange(first, false)) PJ_TRY(add(", "));
    PJ_TRY(repr(key));
    PJ_TRY(add(": "));
    PJ_TRY(repr(member));
  }
  return add("}");
}

Status Printer::repr_object(const Value& value) {
  if (value.is(Kind::kRange)) {
    const auto& range = value.as<RangeObject>();
    const std::string step = range.step == 1 ? "" : fmt::format(", {}", range.step);
    return add(fmt::format("range({}, {}{})", range.start, range.stop, step));
  }
  if (value.is(Kind::kNamespace)) {
    // A namespace may hold itself.
    if (++namespaces_inside_ > 8) return value_error("a namespace that holds itself is printed");
    PJ_TRY(add("<TemplateNamespace {"));
    bool first = true;
    for (const auto& [name, attribute] : value.as<NamespaceObject>().attributes) {
      if (!std::exchange(first, false)) PJ_TRY(add(", "));
      PJ_TRY(add(string_repr(name) + ": "));
      PJ_TRY(repr(attribute));
    }
    --namespaces_inside_;
    return add("}>");
  }
  return add(fmt::format("<{} object>", kind_name(value.kind())));
}

Status Printer::repr(const Value& value) {
  PJ_TRY(budget_.spend_steps());
  switch (value.kind()) {
    case Kind::kUndefined:
      return add("Undefined");
    case Kind::kNone:
      return add("None");
    case Kind::kBool:
      return add(value.integer() != 0 ? "True" : "False");
    case Kind::kInt:
      return add(fmt::format("{}", value.integer()));
    case Kind::kFloat:
      return add(float_repr(value.number()));
    case Kind::kString: {
      PJ_TRY(budget_.spend_bytes(value.text().size()));
      const std::string text = string_repr(value.text());
      return add(value.is_markup() ? "Markup(" + text + ")" : text);
    }
    case Kind::kList:
      return repr_items("[", value.items(), "]");
    case Kind::kTuple:
      return repr_items("(", value.items(), value.items().size() == 1 ? ",)" : ")");
    case Kind::kDict:
      return repr_dict(value);
    case Kind::kView:
      return repr_items(fmt::format("{}([", value.as<ViewObject>().name), value.items(), "])");
    default:
      return repr_object(value);
  }
}

Status Printer::json_string(std::string_view text, const JsonStyle& style) {
  PJ_TRY(budget_.spend_bytes(text.size() + 2));
  out_ += '"';
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    const std::size_t bytes = std::max<std::size_t>(point.bytes, 1);
    const char32_t c = point.value;
    constexpr std::string_view kEscaped = "\"\\\n\r\t\f\b";
    constexpr std::string_view kLetters = "\"\\nrtfb";
    const std::size_t found =
        c < 0x80 ? kEscaped.find(static_cast<char>(c)) : std::string_view::npos;
    if (found != std::string_view::npos) {
      out_ += '\\';
      out_ += kLetters[found];
    } else if (c < 0x20 || (style.ensure_ascii && c > 0x7e && c < 0x10000)) {
      out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else if (style.ensure_ascii && c >= 0x10000) {
      const auto offset = static_cast<unsigned>(c) - 0x10000;
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
    } else {
      out_ += text.substr(at, bytes);
    }
    at += bytes;
  }
  out_ += '"';
  return {};
}

Status Printer::json_break(const JsonStyle& style, int level) {
  if (!style.indent) return {};
  PJ_TRY(add("\n"));
  for (int n = 0; n < level; ++n) PJ_TRY(add(*style.indent));
  return {};
}

Status Printer::json_array(const Value& value, const JsonStyle& style, int level) {
  if (value.items().empty()) return add("[]");
  PJ_TRY(add("["));
  bool first = true;
  for (const Value& item : value.items()) {
    if (!std::exchange(first, false)) PJ_TRY(add(style.item_separator));
    PJ_TRY(json_break(style, level + 1));
    PJ_TRY(json(item, style, level + 1));
  }
  PJ_TRY(json_break(style, level));
  return add("]");
}

Result<std::string> json_key(const Value& key) {
  switch (key.kind()) {
    case Kind::kString:
      return std::string(key.text());
    case Kind::kNone:
      return "null";
    case Kind::kBool:
      return key.integer() != 0 ? "true" : "false";
    case Kind::kInt:
      return fmt::format("{}", key.integer());
    case Kind::kFloat:
      return float_repr(key.number());
    default:
      return value_error("tojson: a key is a {}, expected a string or a number",
                         kind_name(key.kind()));
  }
}

Status Printer::json_object(const Value& value, const JsonStyle& style, int level) {
  const Entries& entries = value.entries();
  if (entries.empty()) return add("{}");
  PJ_TRY(budget_.spend_bytes(entries.size() * sizeof(void*) * 8));
  std::vector<std::pair<std::string, const Value*>> members;
  for (const auto& [key, member] : entries) {
    PJ_TRY(budget_.spend_bytes(key.is_string() ? key.text().size() : 0));
    members.emplace_back(PJ_TRY(json_key(key)), &member);
  }
  if (style.sort_keys) std::ranges::stable_sort(members, {}, [](const auto& m) { return m.first; });
  PJ_TRY(add("{"));
  bool first = true;
  for (const auto& [key, member] : members) {
    if (!std::exchange(first, false)) PJ_TRY(add(style.item_separator));
    PJ_TRY(json_break(style, level + 1));
    PJ_TRY(json_string(key, style));
    PJ_TRY(add(style.key_separator));
    PJ_TRY(json(*member, style, level + 1));
  }
  PJ_TRY(json_break(style, level));
  return add("}");
}

Status Printer::json(const Value& value, const JsonStyle& style, int level) {
  PJ_TRY(budget_.spend_steps());
  switch (value.kind()) {
    case Kind::kNone:
      return add("null");
    case Kind::kBool:
      return add(value.integer() != 0 ? "true" : "false");
    case Kind::kInt:
      return add(fmt::format("{}", value.integer()));
    case Kind::kFloat: {
      const double number = value.number();
      if (std::isnan(number)) return add("NaN");
      if (std::isinf(number)) return add(number < 0 ? "-Infinity" : "Infinity");
      return add(float_repr(number));
    }
    case Kind::kString:
      return json_string(value.text(), style);
    case Kind::kList:
    case Kind::kTuple:
      return json_array(value, style, level);
    case Kind::kDict:
      return json_object(value, style, level);
    case Kind::kUndefined:
      return value_error("tojson: {}", undefined_error(value).error().message);
    default:
      return value_error("tojson: a {} has no JSON form", kind_name(value.kind()));
  }
}

}  // namespace

Result<std::string> to_text(Budget& budget, const Value& value) {
  if (value.is_undefined()) return "";
  if (value.is_string()) {
    PJ_TRY(budget.spend_bytes(value.text().size()));
    return std::string(value.text());
  }
  return to_repr(budget, value);
}

Result<std::string> to_repr(Budget& budget, const Value& value) {
  Printer printer(budget);
  PJ_TRY(printer.repr(value));
  return printer.take();
}

Result<std::string> to_json_text(Budget& budget, const Value& value, const JsonStyle& style) {
  Printer printer(budget);
  PJ_TRY(printer.json(value, style, 0));
  return printer.take();
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&#34;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace pajamas::jinja
