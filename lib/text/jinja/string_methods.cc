// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

// One call of one method.
struct Call {
  Runtime& runtime;
  const Value& self;
  std::string_view name;
  const Arguments& arguments;

  [[nodiscard]] Budget& budget() const { return runtime.budget; }
  [[nodiscard]] std::string_view text() const { return self.text(); }
  // What a method of text that is marked as safe gives is marked too.
  [[nodiscard]] Result<Value> string(std::string result) const {
    return make_string(budget(), std::move(result), self.is_markup());
  }
  [[nodiscard]] Result<Value> strings(const std::vector<std::string_view>& parts) const {
    PJ_TRY(budget().spend_steps(parts.size()));
    Values items;
    for (const std::string_view part : parts) items.push_back(PJ_TRY(string(std::string(part))));
    return make_list(budget(), std::move(items));
  }
};

Result<Value> change_case(const Call& call) {
  PJ_TRY(bind(call.name, call.arguments, {}));
  PJ_TRY(call.budget().spend_lookups(call.text().size()));
  PJ_TRY(call.budget().spend_bytes(call.text().size() * 6));
  if (call.name == "upper") return call.string(to_upper(call.text()));
  if (call.name == "title") return call.string(to_title(call.text()));
  if (call.name == "capitalize") return call.string(capitalize(call.text()));
  if (call.name == "swapcase") {
    std::string result;
    for (const char32_t c : to_code_points(call.text())) {
      std::string one;
      append_utf8(one, c);
      result += is_upper_case(c) ? to_lower(one) : is_lower_case(c) ? to_upper(one) : one;
    }
    return call.string(std::move(result));
  }
  if (call.name == "casefold") {
    return call.string(to_lower(replace_all(call.text(), "\xc3\x9f", "ss")));
  }
  return call.string(to_lower(call.text()));
}

Result<Value> strip_method(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"chars"}));
  const Side side = call.name == "strip"    ? Side::kBoth
                    : call.name == "lstrip" ? Side::kLeft
                                            : Side::kRight;
  std::optional<std::string_view> characters;
  if (bound.is_given(0)) characters = PJ_TRY(bound.text(0, ""));
  const std::uint64_t set = characters ? characters->size() : 1;
  PJ_TRY(call.budget().spend_bytes(set * 4));
  const std::string_view kept = strip(call.text(), side, characters);
  PJ_TRY(call.budget().spend_steps((call.text().size() - kept.size()) / (characters ? 1 : 4)));
  return call.string(std::string(kept));
}

// The part of the text that `start` and `end` select, and how many code points are before it.
struct Window {
  std::string_view text;
  std::int64_t start = 0;
  bool is_outside = false;  // even the empty string is not found there
};

Result<Window> window(const Call& call, const Bound& bound) {
  Window window{call.text(), 0, false};
  if (!bound.is_given(1) && !bound.is_given(2)) return window;
  PJ_TRY(call.budget().spend_reading(call.text().size() * 2));
  const std::int64_t length = count_code_points(call.text());
  const auto place = [&](std::size_t parameter, std::int64_t otherwise) -> Result<std::int64_t> {
    if (!bound.is_given(parameter)) return otherwise;
    std::int64_t index = PJ_TRY(bound.integer(parameter, otherwise));
    if (index < 0) index = std::max<std::int64_t>(0, index + length);
    return index;
  };
  window.start = PJ_TRY(place(1, 0));
  const std::int64_t end = std::min(PJ_TRY(place(2, length)), length);
  if (window.start > end) {
    window.is_outside = true;
    window.text = {};
    return window;
  }
  const std::size_t from = byte_of_code_point(call.text(), window.start);
  const std::size_t to = byte_of_code_point(call.text(), end);
  window.text = call.text().substr(from, to - from);
  return window;
}

Result<Value> find_method(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"sub", "start", "end"}, 1));
  const std::string_view needle = PJ_TRY(bound.text(0, ""));
  const Window in = PJ_TRY(window(call, bound));
  PJ_TRY(call.budget().spend_reading(in.text.size() * 2));
  std::size_t found = std::string_view::npos;
  if (!in.is_outside) {
    if (call.name.starts_with('r')) {
      for (std::size_t at = 0; (at = find_bytes(in.text, needle, at)) != std::string_view::npos;
           ++at) {
        PJ_TRY(call.budget().spend_steps(1 + needle.size() / 64));
        found = at;
      }
    } else {
      found = find_bytes(in.text, needle);
    }
  }
  if (found != std::string_view::npos) {
    return Value::integer(in.start + count_code_points(in.text.substr(0, found)));
  }
  if (call.name.ends_with("index")) return value_error("{}(): the text is not there", call.name);
  return Value::integer(-1);
}

Result<Value> count_method(const Call& call) {
  const Bound bound = PJ_TRY(bind("count", call.arguments, {"sub", "start", "end"}, 1));
  const std::string_view needle = PJ_TRY(bound.text(0, ""));
  const Window in = PJ_TRY(window(call, bound));
  PJ_TRY(call.budget().spend_reading(in.text.size() * 2));
  if (in.is_outside) return Value::integer(0);
  if (needle.empty()) return Value::integer(count_code_points(in.text) + 1);
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = find_bytes(in.text, needle, at)) != std::string_view::npos;
       at += needle.size()) {
    PJ_TRY(call.budget().spend_steps());
    ++count;
  }
  return Value::integer(count);
}

Result<Value> affix_test(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"prefix", "start", "end"}, 1));
  const Window in = PJ_TRY(window(call, bound));
  const bool at_start = call.name == "startswith";
  const auto matches = [&](const Value& affix) -> Result<bool> {
    if (affix.is_undefined()) return undefined_error(affix);
    if (!affix.is_string()) {
      return value_error("{}(): a {}, expected a string or a tuple of strings", call.name,
                         kind_name(affix.kind()));
    }
    PJ_TRY(call.budget().spend_steps(1 + affix.text().size() / 64));
    if (in.is_outside) return false;
    return at_start ? in.text.starts_with(affix.text()) : in.text.ends_with(affix.text());
  };
  if (!bound[0]->is(Kind::kTuple)) return Value::boolean(PJ_TRY(matches(*bound[0])));
  for (const Value& affix : bound[0]->items()) {
    if (PJ_TRY(matches(affix))) return Value::boolean(true);
  }
  return Value::boolean(false);
}

Result<Value> replace_method(const Call& call) {
  const Bound bound = PJ_TRY(bind("replace", call.arguments, {"old", "new", "count"}, 2));
  const std::string_view from = PJ_TRY(bound.text(0, ""));
  std::string to(PJ_TRY(bound.text(1, "")));
  if (call.self.is_markup() && !bound[1]->is_markup()) to = escape_html(to);
  std::int64_t left = PJ_TRY(bound.integer(2, -1));
  PJ_TRY(call.budget().spend_bytes(call.text().size()));
  const std::string_view text = call.text();
  std::string result;
  std::size_t copied = 0;
  std::size_t at = 0;
  while (left != 0) {
    if (from.empty()) {
      // The empty string stands before each code point and at the end.
      if (at > text.size()) break;
    } else {
      at = find_bytes(text, from, at);
      if (at == std::string_view::npos) break;
    }
    PJ_TRY(call.budget().spend_steps());
    PJ_TRY(call.budget().spend_bytes(to.size()));
    result += text.substr(copied, at - copied);
    result += to;
    copied = at + from.size();
    at = copied;
    if (from.empty()) {
      at += at < text.size() ? std::max<std::size_t>(code_point_at(text, at).bytes, 1) : 1;
    }
    --left;
  }
  if (copied < text.size()) result += text.substr(copied);
  return call.string(std::move(result));
}

// Text without an end: pieces between runs of white space.
Result<std::vector<std::string_view>> split_spaces(const Call& call, std::int64_t most) {
  std::vector<std::string_view> parts;
  const bool from_right = call.name == "rsplit";
  std::string_view rest = strip(call.text(), from_right ? Side::kRight : Side::kLeft);
  PJ_TRY(call.budget().spend_steps(call.text().size() / 16));
  while (!rest.empty()) {
    PJ_TRY(call.budget().spend_steps());
    if (most-- == 0) {
      parts.push_back(rest);
      break;
    }
    std::size_t at = from_right ? rest.size() : 0;
    if (from_right) {
      while (at > 0) {
        std::size_t start = at - 1;
        while (start > 0 && (rest[start] & 0xc0) == 0x80) --start;
        if (is_space(code_point_at(rest, start).value)) break;
        at = start;
      }
      parts.push_back(rest.substr(at));
      rest = strip(rest.substr(0, at), Side::kRight);
    } else {
      while (at < rest.size()) {
        const CodePoint point = code_point_at(rest, at);
        if (is_space(point.value)) break;
        at += std::max<std::size_t>(point.bytes, 1);
      }
      parts.push_back(rest.substr(0, at));
      rest = strip(rest.substr(at), Side::kLeft);
    }
  }
  if (from_right) std::ranges::reverse(parts);
  return parts;
}

Result<Value> split_method(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"sep", "maxsplit"}));
  std::int64_t most = PJ_TRY(bound.integer(1, -1));
  if (!bound.is_given(0) && (bound[0] == nullptr || bound[0]->is_none())) {
    return call.strings(PJ_TRY(split_spaces(call, most)));
  }
  const std::string_view separator = PJ_TRY(bound.text(0, ""));
  if (separator.empty()) return value_error("{}(): the separator is empty", call.name);
  PJ_TRY(call.budget().spend_reading(call.text().size() * 2));
  std::vector<std::string_view> parts;
  std::string_view rest = call.text();
  if (call.name == "split") {
    for (; most != 0; --most) {
      const std::size_t at = find_bytes(rest, separator);
      if (at == std::string_view::npos) break;
      PJ_TRY(call.budget().spend_steps());
      parts.push_back(rest.substr(0, at));
      rest.remove_prefix(at + separator.size());
    }
    parts.push_back(rest);
    return call.strings(parts);
  }
  // Searching from the right compares at each place.
  PJ_TRY(call.budget().spend_steps(rest.size() / 16 + rest.size() * separator.size() / 256));
  for (; most != 0; --most) {
    const std::size_t at = rest.rfind(separator);
    if (at == std::string_view::npos) break;
    PJ_TRY(call.budget().spend_steps());
    parts.push_back(rest.substr(at + separator.size()));
    rest = rest.substr(0, at);
  }
  parts.push_back(rest);
  std::ranges::reverse(parts);
  return call.strings(parts);
}

Result<Value> partition_method(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"sep"}, 1));
  const std::string_view separator = PJ_TRY(bound.text(0, ""));
  if (separator.empty()) return value_error("{}(): the separator is empty", call.name);
  const std::string_view text = call.text();
  const bool from_right = call.name == "rpartition";
  PJ_TRY(call.budget().spend_steps(text.size() / 64 +
                                   (from_right ? text.size() * separator.size() / 256 : 0)));
  const std::size_t at = from_right ? text.rfind(separator) : find_bytes(text, separator);
  std::array<std::string_view, 3> parts = {text, "", ""};
  if (at != std::string_view::npos) {
    parts = {text.substr(0, at), separator, text.substr(at + separator.size())};
  } else if (from_right) {
    parts = {"", "", text};
  }
  Values items;
  for (const std::string_view part : parts) items.push_back(PJ_TRY(call.string(std::string(part))));
  return make_tuple(call.budget(), std::move(items));
}

Result<Value> splitlines_method(const Call& call) {
  const Bound bound = PJ_TRY(bind("splitlines", call.arguments, {"keepends"}));
  PJ_TRY(call.budget().spend_bytes(call.text().size()));
  return call.strings(split_lines(call.text(), bound.flag(0, false)));
}

Result<Value> join_method(const Call& call) {
  const Bound bound = PJ_TRY(bind("join", call.arguments, {"iterable"}, 1));
  std::string result;
  bool first = true;
  for (const Value& item : PJ_TRY(elements_of(call.budget(), *bound[0]))) {
    if (!item.is_string()) {
      return value_error("join(): a {} in the sequence, expected strings", kind_name(item.kind()));
    }
    PJ_TRY(call.budget().spend_bytes(call.text().size() + item.text().size()));
    if (!first) result += call.text();
    first = false;
    result += item.text();
  }
  return call.string(std::move(result));
}

Result<Value> remove_affix(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"affix"}, 1));
  const std::string_view affix = PJ_TRY(bound.text(0, ""));
  std::string_view text = call.text();
  if (call.name == "removeprefix") {
    if (text.starts_with(affix)) text.remove_prefix(affix.size());
  } else if (text.ends_with(affix)) {
    text.remove_suffix(affix.size());
  }
  return call.string(std::string(text));
}

Result<Value> justify(const Call& call) {
  const Bound bound = PJ_TRY(bind(call.name, call.arguments, {"width", "fillchar"}, 1));
  const std::string_view fill = PJ_TRY(bound.text(1, " "));
  if (count_code_points(fill) != 1)
    return value_error("{}(): the filling is not one character", call.name);
  const char alignment = call.name == "center" ? '|' : call.name == "ljust" ? '<' : '>';
  return call.string(
      PJ_TRY(pad(call.budget(), call.text(), PJ_TRY(bound.integer(0, 0)), alignment, fill)));
}

Result<Value> zfill_method(const Call& call) {
  const Bound bound = PJ_TRY(bind("zfill", call.arguments, {"width"}, 1));
  std::string_view digits = call.text();
  std::string sign;
  if (digits.starts_with('-') || digits.starts_with('+')) {
    sign = digits[0];
    digits.remove_prefix(1);
  }
  const std::int64_t width = PJ_TRY(bound.integer(0, 0));
  const auto rest = width - static_cast<std::int64_t>(sign.size());
  return call.string(sign + PJ_TRY(pad(call.budget(), digits, rest, '>', "0")));
}

Result<Value> expandtabs_method(const Call& call) {
  const Bound bound = PJ_TRY(bind("expandtabs", call.arguments, {"tabsize"}));
  const std::int64_t tab = PJ_TRY(bound.integer(0, 8));
  if (tab > kMaxFormatWidth) return value_error("expandtabs(): over {}", kMaxFormatWidth);
  std::string result;
  std::int64_t column = 0;
  for (const char c : call.text()) {
    if (c == '\t') {
      const std::int64_t spaces = tab > 0 ? tab - column % tab : 0;
      PJ_TRY(call.budget().spend_bytes(static_cast<std::uint64_t>(spaces)));
      result.append(static_cast<std::size_t>(spaces), ' ');
      column += spaces;
      continue;
    }
    result += c;
    if ((c & 0xc0) != 0x80) ++column;
    if (c == '\n' || c == '\r') column = 0;
  }
  return call.string(std::move(result));
}

Result<Value> format_method(const Call& call) {
  if (call.name == "format") {
    return call.string(PJ_TRY(format_braces(call.budget(), call.text(), call.arguments)));
  }
  const Bound bound = PJ_TRY(bind("format_map", call.arguments, {"mapping"}, 1));
  if (!bound[0]->is(Kind::kDict)) return value_error("format_map(): expected a dict");
  Arguments named;
  for (const auto& [key, value] : bound[0]->entries()) {
    if (key.is_string()) named.named.emplace_back(key.text(), value);
  }
  return call.string(PJ_TRY(format_braces(call.budget(), call.text(), named)));
}

// True when the text is not empty and all of it is of the class.
bool all_are(std::string_view text, bool (*is)(char32_t)) {
  const std::u32string points = to_code_points(text);
  return !points.empty() && std::ranges::all_of(points, is);
}

bool is_title(const std::u32string& points) {
  bool any = false, after_cased = false;
  for (const char32_t c : points) {
    if (is_upper_case(c) && after_cased) return false;
    if (is_lower_case(c) && !after_cased) return false;
    after_cased = is_upper_case(c) || is_lower_case(c);
    any = any || after_cased;
  }
  return any;
}

// Has the case, and no letter of the other.
bool has_only_case(const std::u32string& points, bool (*is)(char32_t), bool (*other)(char32_t)) {
  return std::ranges::any_of(points, is) && std::ranges::none_of(points, other);
}

bool is_identifier(const std::u32string& points) {
  const auto starts = [](char32_t c) { return c == '_' || is_alphabetic(c); };
  return !points.empty() && starts(points[0]) &&
         std::ranges::all_of(points, [](char32_t c) { return c == '_' || is_alphanumeric(c); });
}

Result<Value> class_test(const Call& call) {
  PJ_TRY(bind(call.name, call.arguments, {}));
  const std::string_view text = call.text();
  PJ_TRY(call.budget().spend_lookups(text.size()));
  PJ_TRY(call.budget().spend_bytes(text.size() * sizeof(char32_t)));
  const std::string_view name = call.name;
  const auto answer = [&] {
    if (name == "isspace") return all_are(text, is_space);
    if (name == "isalpha") return all_are(text, is_alphabetic);
    if (name == "isalnum") return all_are(text, is_alphanumeric);
    if (name == "isdecimal" || name == "isdigit") return all_are(text, is_decimal);
    if (name == "isnumeric") {
      return all_are(text, [](char32_t c) { return is_alphanumeric(c) && !is_alphabetic(c); });
    }
    const std::u32string points = to_code_points(text);
    if (name == "isprintable") return std::ranges::all_of(points, is_printable);
    if (name == "isascii") return std::ranges::all_of(points, [](char32_t c) { return c < 0x80; });
    if (name == "isupper") return has_only_case(points, is_upper_case, is_lower_case);
    if (name == "islower") return has_only_case(points, is_lower_case, is_upper_case);
    if (name == "istitle") return is_title(points);
    return is_identifier(points);
  };
  return Value::boolean(answer());
}

struct Method {
  std::string_view name;
  Result<Value> (*call)(const Call& call);
};
constexpr auto kMethods = std::to_array<Method>({
    {"capitalize", change_case},
    {"casefold", change_case},
    {"center", justify},
    {"count", count_method},
    {"endswith", affix_test},
    {"expandtabs", expandtabs_method},
    {"find", find_method},
    {"format", format_method},
    {"format_map", format_method},
    {"index", find_method},
    {"isalnum", class_test},
    {"isalpha", class_test},
    {"isascii", class_test},
    {"isdecimal", class_test},
    {"isdigit", class_test},
    {"isidentifier", class_test},
    {"islower", class_test},
    {"isnumeric", class_test},
    {"isprintable", class_test},
    {"isspace", class_test},
    {"istitle", class_test},
    {"isupper", class_test},
    {"join", join_method},
    {"ljust", justify},
    {"lower", change_case},
    {"lstrip", strip_method},
    {"partition", partition_method},
    {"removeprefix", remove_affix},
    {"removesuffix", remove_affix},
    {"replace", replace_method},
    {"rfind", find_method},
    {"rindex", find_method},
    {"rjust", justify},
    {"rpartition", partition_method},
    {"rsplit", split_method},
    {"rstrip", strip_method},
    {"split", split_method},
    {"splitlines", splitlines_method},
    {"startswith", affix_test},
    {"strip", strip_method},
    {"swapcase", change_case},
    {"title", change_case},
    {"upper", change_case},
    {"zfill", zfill_method},
});

}  // namespace

Result<Value> call_string_method(Runtime& runtime, const Value& self, std::string_view name,
                                 const Arguments& arguments) {
  const auto found = std::ranges::find(kMethods, name, &Method::name);
  if (found == kMethods.end()) {
    return make_error(ErrorCode::kUnsupported, "{}() of a string is not supported", name);
  }
  return found->call({runtime, self, name, arguments});
}

}  // namespace pajamas::jinja
