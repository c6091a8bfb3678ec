// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <utf8proc.h>

#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

utf8proc_category_t category_of(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

char32_t simple_upper(char32_t c) {
  return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
}

char32_t simple_lower(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

// Letters whose upper case is several letters, of those in Latin and Armenian text
// (SpecialCasing.txt).
struct LongUpper {
  char32_t lower;
  std::u32string_view upper;
  std::u32string_view title;
};
constexpr std::array<LongUpper, 11> kLongUpper = {{
    {0x00df, U"SS", U"Ss"},
    {0x0149, U"\u02bcN", U"\u02bcN"},
    {0x01f0, U"J\u030c", U"J\u030c"},
    {0x0587, U"\u0535\u0552", U"\u0535\u0582"},
    {0xfb00, U"FF", U"Ff"},
    {0xfb01, U"FI", U"Fi"},
    {0xfb02, U"FL", U"Fl"},
    {0xfb03, U"FFI", U"Ffi"},
    {0xfb04, U"FFL", U"Ffl"},
    {0xfb05, U"ST", U"St"},
    {0xfb06, U"ST", U"St"},
}};

const LongUpper* long_upper(char32_t c) {
  if (c < 0xdf) return nullptr;
  const auto* found = std::ranges::find(kLongUpper, c, &LongUpper::lower);
  return found == kLongUpper.end() ? nullptr : found;
}

void append_upper(std::string& out, char32_t c) {
  if (const LongUpper* special = long_upper(c)) {
    for (const char32_t part : special->upper) append_utf8(out, part);
  } else {
    append_utf8(out, simple_upper(c));
  }
}

void append_title(std::string& out, char32_t c) {
  if (const LongUpper* special = long_upper(c)) {
    for (const char32_t part : special->title) append_utf8(out, part);
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  }
}

bool is_cased(char32_t c) {
  return is_upper_case(c) || is_lower_case(c) || category_of(c) == UTF8PROC_CATEGORY_LT;
}

// A capital sigma that ends a word has a lower case of its own.
void append_lower(std::string& out, const std::u32string& text, std::size_t at) {
  const char32_t c = text[at];
  if (c == 0x130) {
    out += "i\xcc\x87";
  } else if (c == 0x3a3) {
    const bool after_letter = at > 0 && is_cased(text[at - 1]);
    const bool before_letter = at + 1 < text.size() && is_cased(text[at + 1]);
    append_utf8(out, after_letter && !before_letter ? 0x3c2 : 0x3c3);
  } else {
    append_utf8(out, simple_lower(c));
  }
}

bool is_line_end(char32_t c) {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

// Digits with single underscores between them, as in Python's literals.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string digits;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '_') {
      digits += text[at];
      continue;
    }
    const bool inside = at > 0 && at + 1 < text.size() && std::isalnum(text[at - 1]) != 0 &&
                        std::isalnum(text[at + 1]) != 0;
    if (!inside) return std::nullopt;
  }
  return digits;
}

}  // namespace

std::int64_t count_code_points(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; });
}

std::u32string to_code_points(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    result += point.bytes == 0 ? U'\ufffd' : point.value;
    at += std::max<std::size_t>(point.bytes, 1);
  }
  return result;
}

std::string from_code_points(std::u32string_view code_points) {
  std::string result;
  for (const char32_t c : code_points) append_utf8(result, c);
  return result;
}

std::size_t byte_of_code_point(std::string_view text, std::int64_t index) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((text[at] & 0xc0) != 0x80 && index-- == 0) break;
  }
  return at;
}

bool is_space(char32_t c) {
  if (c < 0x80) return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20);
  return c == 0x85 || c == 0x2028 || c == 0x2029 || category_of(c) == UTF8PROC_CATEGORY_ZS;
}

bool is_alphabetic(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  const utf8proc_category_t category = category_of(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) {
  return c < 0x80 ? c >= '0' && c <= '9' : category_of(c) == UTF8PROC_CATEGORY_ND;
}

bool is_alphanumeric(char32_t c) {
  const utf8proc_category_t category = category_of(c);
  return is_alphabetic(c) || category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_NO;
}

bool is_upper_case(char32_t c) {
  return c < 0x80 ? c >= 'A' && c <= 'Z' : category_of(c) == UTF8PROC_CATEGORY_LU;
}

bool is_lower_case(char32_t c) {
  // The ordinal indicators are lower case by property.
  return c < 0x80 ? c >= 'a' && c <= 'z'
                  : category_of(c) == UTF8PROC_CATEGORY_LL || c == 0xaa || c == 0xba;
}

bool is_printable(char32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7f;
  switch (category_of(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

std::string to_upper(std::string_view text) {
  std::string result;
  for (const char32_t c : to_code_points(text)) append_upper(result, c);
  return result;
}

std::string to_lower(std::string_view text) {
  std::string result;
  const std::u32string points = to_code_points(text);
  for (std::size_t at = 0; at < points.size(); ++at) append_lower(result, points, at);
  return result;
}

std::string to_title(std::string_view text) {
  std::string result;
  const std::u32string points = to_code_points(text);
  bool after_letter = false;
  for (std::size_t at = 0; at < points.size(); ++at) {
    if (after_letter) {
      append_lower(result, points, at);
    } else {
      append_title(result, points[at]);
    }
    after_letter = is_cased(points[at]);
  }
  return result;
}

std::string capitalize(std::string_view text) {
  std::string result;
  const std::u32string points = to_code_points(text);
  for (std::size_t at = 0; at < points.size(); ++at) {
    if (at == 0) {
      append_title(result, points[0]);
    } else {
      append_lower(result, points, at);
    }
  }
  return result;
}

std::string_view strip(std::string_view text, Side side,
                       std::optional<std::string_view> characters) {
  std::u32string set = characters ? to_code_points(*characters) : std::u32string();
  std::ranges::sort(set);
  const auto goes = [&](char32_t c) {
    return characters ? std::ranges::binary_search(set, c) : is_space(c);
  };
  if (side != Side::kRight) {
    while (!text.empty()) {
      const CodePoint first = code_point_at(text, 0);
      if (first.bytes == 0 || !goes(first.value)) break;
      text.remove_prefix(first.bytes);
    }
  }
  if (side != Side::kLeft) {
    while (!text.empty()) {
      std::size_t start = text.size() - 1;
      while (start > 0 && (text[start] & 0xc0) == 0x80) --start;
      const CodePoint last = code_point_at(text, start);
      if (last.bytes == 0 || !goes(last.value)) break;
      text.remove_suffix(text.size() - start);
    }
  }
  return text;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    std::size_t next = at + std::max<std::size_t>(point.bytes, 1);
    if (is_line_end(point.value)) {
      if (point.value == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(start, (keep_ends ? next : at) - start));
      start = next;
    }
    at = next;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::size_t find_bytes(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  // memmem is linear; string_view::find is quadratic on repetitive text.
  const void* found =
      ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::string float_repr(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 std::chars_format::scientific);
  std::string_view shortest(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  std::string sign;
  if (shortest.starts_with('-')) {
    sign = "-";
    shortest.remove_prefix(1);
  }
  const std::size_t e = shortest.find('e');
  int exponent = 0;
  std::string_view exponent_text = shortest.substr(e + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string digits(1, shortest[0]);
  if (e > 2) digits += shortest.substr(2, e - 2);
  // repr() uses the exponent outside of these bounds.
  if (exponent < -4 || exponent >= 16) {
    std::string mantissa = digits.substr(0, 1);
    if (digits.size() > 1) mantissa += "." + digits.substr(1);
    return fmt::format("{}{}e{}{:02}", sign, mantissa, exponent < 0 ? "-" : "+",
                       std::abs(exponent));
  }
  if (exponent < 0) {
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string string_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string result(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    const std::size_t bytes = std::max<std::size_t>(point.bytes, 1);
    const char32_t c = point.value;
    if (c == '\\' || c == static_cast<char32_t>(quote)) {
      result += '\\';
      result += static_cast<char>(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      result += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (is_printable(c)) {
      result += text.substr(at, bytes);
    } else if (c < 0x100) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else if (c < 0x10000) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += fmt::format("\\U{:08x}", static_cast<unsigned>(c));
    }
    at += bytes;
  }
  result += quote;
  return result;
}

std::optional<std::int64_t> parse_int(std::string_view text, int base) {
  text = strip(text, Side::kBoth);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const auto prefixed = [&](char letter) {
    return text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == letter;
  };
  if ((base == 16 || base == 0) && prefixed('x')) {
    text.remove_prefix(2);
    base = 16;
  } else if ((base == 8 || base == 0) && prefixed('o')) {
    text.remove_prefix(2);
    base = 8;
  } else if ((base == 2 || base == 0) && prefixed('b')) {
    text.remove_prefix(2);
    base = 2;
  } else if (base == 0) {
    const bool is_zero = text.find_first_not_of("0_") == std::string_view::npos;
    if (text.starts_with('0') && !is_zero) return std::nullopt;
    base = 10;
  }
  if (base < 2 || base > 36) return std::nullopt;
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto [end, problem] =
      std::from_chars(digits->data(), digits->data() + digits->size(), magnitude, base);
  if (problem != std::errc() || end != digits->data() + digits->size()) return std::nullopt;
  if (magnitude > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  const auto number = static_cast<std::int64_t>(magnitude);
  return negative ? -number : number;
}

std::optional<double> parse_float(std::string_view text) {
  text = strip(text, Side::kBoth);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  double number = 0;
  const char* last = digits->data() + digits->size();
  const std::string lower = to_lower(*digits);
  if (lower == "inf" || lower == "infinity") {
    number = std::numeric_limits<double>::infinity();
  } else if (lower == "nan") {
    number = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (!std::isdigit((*digits)[0]) && (*digits)[0] != '.') return std::nullopt;
    const auto [end, problem] = std::from_chars(digits->data(), last, number);
    if (end != last) return std::nullopt;
    if (problem == std::errc::result_out_of_range)
      number = std::strtod(digits->c_str(), nullptr);
    else if (problem != std::errc())
      return std::nullopt;
  }
  return negative ? -number : number;
}

}  // namespace pajamas::jinja
