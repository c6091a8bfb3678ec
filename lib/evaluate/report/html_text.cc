// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/html_text.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "text/utf8.h"

namespace pajamas::report {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_unsafe(char32_t c) {
  const bool is_control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
  const bool turns_direction = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
                               c == 0x200E || c == 0x200F || c == 0x061C;
  const bool is_not_a_character = (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
  return is_control || turns_direction || is_not_a_character;
}

std::string_view entity_of(char32_t c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return "";
  }
}

std::string superscript(int number) {
  constexpr std::array<std::string_view, 10> kDigits = {"⁰", "¹", "²", "³", "⁴",
                                                        "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : fmt::format("{}", number)) {
    text += c == '-' ? std::string_view("⁻") : kDigits[static_cast<std::size_t>(c - '0')];
  }
  return text;
}

bool is_zero(std::string_view digits) {
  return digits.find_first_of("123456789") == std::string_view::npos;
}

// A true minus sign is as wide as a plus.
std::string with_minus(std::string text) {
  if (text.starts_with('-')) text.replace(0, 1, is_zero(text) ? "" : "−");
  return text;
}

}  // namespace

std::string escape(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  std::string escaped;
  for (std::size_t at = 0; at < valid.size();) {
    const CodePoint point = code_point_at(valid, at);
    const std::string_view entity = entity_of(point.value);
    if (!entity.empty()) {
      escaped += entity;
    } else {
      append_utf8(escaped, is_unsafe(point.value) ? kReplacement : point.value);
    }
    at += point.bytes;
  }
  return escaped;
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

std::string shorten(std::string_view text, std::size_t most) {
  const std::string valid = replace_invalid_utf8(text);
  if (count_characters(valid) <= most) return valid;
  std::size_t end = 0;
  for (std::size_t kept = 0; kept + 1 < most; ++kept) end += code_point_at(valid, end).bytes;
  return valid.substr(0, end) + "…";
}

std::string format_number(double value) {
  if (std::isnan(value)) return "n/a";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  if (value == 0) return "0";
  const double magnitude = std::abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e5) {
    // Fixed, with three significant digits.
    const int exponent = static_cast<int>(std::floor(std::log10(magnitude)));
    return with_minus(fmt::format("{:.{}f}", value, std::max(0, 2 - exponent)));
  }
  const std::string scientific = fmt::format("{:.1e}", value);
  const std::size_t e = scientific.find('e');
  return with_minus(scientific.substr(0, e) + "×10" +
                    superscript(std::stoi(scientific.substr(e + 1))));
}

std::string format_fixed(double value, int decimals) {
  if (!std::isfinite(value)) return format_number(value);
  return with_minus(fmt::format("{:.{}f}", value, decimals));
}

std::string format_signed(double value, int decimals) {
  const std::string text = format_fixed(value, decimals);
  return (value > 0 && !is_zero(text) ? "+" : "") + text;
}

std::string format_percent(double share, int decimals) {
  if (!std::isfinite(share)) return format_number(share);
  return format_fixed(100 * share, decimals) + "\u00A0%";
}

std::string format_signed_percent(double share, int decimals) {
  if (!std::isfinite(share)) return format_number(share);
  return format_signed(100 * share, decimals) + "\u00A0%";
}

std::string format_power_of_ten(int exponent) {
  constexpr std::array<std::string_view, 7> kShort = {"0.001", "0.01", "0.1", "1",
                                                      "10",    "100",  "1000"};
  if (exponent >= -3 && exponent <= 3)
    return std::string(kShort[static_cast<std::size_t>(exponent + 3)]);
  return "10" + superscript(exponent);
}

std::string format_thousands(std::int64_t value) {
  std::string digits = fmt::format("{}", value);
  constexpr std::string_view kThinSpace = "\u202F";
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (value < 0 ? 1 : 0);
       at -= 3) {
    digits.insert(static_cast<std::size_t>(at), kThinSpace);
  }
  return digits;
}

}  // namespace pajamas::report
