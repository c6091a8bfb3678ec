// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/python_text.h"

#include <algorithm>
#include <array>

#include <utf8proc.h>

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

// str.isspace() also counts the separators that Unicode calls controls.
bool is_python_space(char32_t code_point) {
  return is_unicode_space(code_point) || (code_point >= 0x1c && code_point <= 0x1f);
}

struct LongTitle {
  char32_t letter;
  std::string_view title;
};

// Letters whose title case is more than one (Unicode's SpecialCasing.txt): those of Latin script.
constexpr auto kLongTitles = std::to_array<LongTitle>({
    {0xdf, "Ss"},
    {0x149, "\u02bcN"},
    {0x1f0, "J\u030c"},
    {0x1e96, "H\u0331"},
    {0x1e97, "T\u0308"},
    {0x1e98, "W\u030a"},
    {0x1e99, "Y\u030a"},
    {0x1e9a, "A\u02be"},
    {0xfb00, "Ff"},
    {0xfb01, "Fi"},
    {0xfb02, "Fl"},
    {0xfb03, "Ffi"},
    {0xfb04, "Ffl"},
    {0xfb05, "St"},
    {0xfb06, "St"},
});

void append_title(std::string& text, char32_t letter) {
  const auto found = std::ranges::find(kLongTitles, letter, &LongTitle::letter);
  if (found != kLongTitles.end()) {
    text += found->title;
    return;
  }
  append_utf8(text, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(letter))));
}

bool is_cased(char32_t code_point) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT;
}

// A capital sigma is a final one behind a letter and not before one.
bool ends_word(std::string_view text, std::size_t offset, std::size_t bytes) {
  std::size_t before = offset;
  while (before > 0 && (static_cast<unsigned char>(text[before - 1]) & 0xc0U) == 0x80U) --before;
  if (before == 0) return false;
  const bool follows_letter = is_cased(code_point_at(text, before - 1).value);
  const CodePoint next = code_point_at(text, offset + bytes);
  return follows_letter && (next.bytes == 0 || !is_cased(next.value));
}

}  // namespace

std::string_view python_rstrip(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0U) == 0x80U) --start;
    const CodePoint point = code_point_at(text, start);
    if (point.bytes == 0 || !is_python_space(point.value)) break;
    text = text.substr(0, start);
  }
  return text;
}

std::string_view python_strip(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = code_point_at(text, 0);
    if (point.bytes == 0 || !is_python_space(point.value)) break;
    text.remove_prefix(point.bytes);
  }
  return python_rstrip(text);
}

std::string python_capitalize(std::string_view text) {
  std::string result;
  const CodePoint first = code_point_at(text, 0);
  if (first.bytes == 0) return result;
  append_title(result, first.value);
  for (std::size_t offset = first.bytes; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    if (point.bytes == 0) break;  // not UTF-8: not asked for
    const bool is_sigma = point.value == 0x3a3;
    if (is_sigma && ends_word(text, offset, point.bytes)) {
      append_utf8(result, 0x3c2);
    } else {
      result += to_lower_case(text.substr(offset, point.bytes));
    }
    offset += point.bytes;
  }
  return result;
}

std::int64_t python_length(std::string_view text) {
  return std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; });
}

}  // namespace pajamas
