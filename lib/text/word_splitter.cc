// SPDX-License-Identifier: Apache-2.0
#include "text/word_splitter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <oniguruma.h>

#include "base/check.h"

namespace pajamas {
namespace {

// Oniguruma's classes of code points; no code point is in two of these.
enum CharClass : std::uint8_t { kOther = 0, kLetter = 1, kNumber = 2, kSpace = 3 };
constexpr std::size_t kCodePoints = 0x110000;

void fill_class(std::vector<std::uint8_t>& table, std::string_view property, CharClass value) {
  const OnigEncoding encoding = ONIG_ENCODING_UTF8;
  std::string name(property);
  auto* begin = reinterpret_cast<OnigUChar*>(name.data());  // the library's idea of a text
  const int type = encoding->property_name_to_ctype(encoding, begin, begin + name.size());
  PJ_CHECK(type >= 0);
  OnigCodePoint single_byte_end = 0;
  const OnigCodePoint* ranges = nullptr;
  PJ_CHECK(
      encoding->get_ctype_code_range(static_cast<OnigCtype>(type), &single_byte_end, &ranges) == 0);
  for (OnigCodePoint index = 0; index < ranges[0]; ++index) {
    const std::size_t first = ranges[1 + 2 * index];
    const std::size_t last = std::min<std::size_t>(ranges[2 + 2 * index], kCodePoints - 1);
    for (std::size_t point = first; point <= last; ++point) table[point] = value;
  }
}

const std::vector<std::uint8_t>& class_table() {
  static const std::vector<std::uint8_t> table = [] {
    static_cast<void>(Regex::compile("a"));  // sets the library up
    std::vector<std::uint8_t> classes(kCodePoints, kOther);
    fill_class(classes, "L", kLetter);
    fill_class(classes, "N", kNumber);
    fill_class(classes, "space", kSpace);
    return classes;
  }();
  return table;
}

struct Char {
  char32_t value;
  std::uint8_t bytes;  // 0 at the end
  std::uint8_t type;
};

class Cursor {
 public:
  Cursor(std::string_view text, TextRange range)
      : classes_(class_table().data()), text_(text.data()), end_(range.end) {}

  [[nodiscard]] Char at(std::size_t offset) const {
    if (offset >= end_) return {0, 0, kOther};
    const auto byte = [&](std::size_t index) {
      return static_cast<char32_t>(static_cast<unsigned char>(text_[offset + index]));
    };
    char32_t value = byte(0);
    if (value < 0x80) return {value, 1, classes_[value]};
    std::uint8_t bytes = 2;
    if (value < 0xe0) {
      value = ((value & 0x1fU) << 6) | (byte(1) & 0x3fU);
    } else if (value < 0xf0) {
      bytes = 3;
      value = ((value & 0x0fU) << 12) | ((byte(1) & 0x3fU) << 6) | (byte(2) & 0x3fU);
    } else {
      bytes = 4;
      value = ((value & 0x07U) << 18) | ((byte(1) & 0x3fU) << 12) | ((byte(2) & 0x3fU) << 6) |
              (byte(3) & 0x3fU);
    }
    return {value, bytes, classes_[value]};
  }

  // The end of the run of a class that starts at `offset`.
  [[nodiscard]] std::size_t skip(std::size_t offset, CharClass type) const {
    for (Char next = at(offset); next.bytes != 0 && next.type == type; next = at(offset)) {
      offset += next.bytes;
    }
    return offset;
  }

  [[nodiscard]] std::size_t end() const { return end_; }
  [[nodiscard]] char byte(std::size_t offset) const { return offset < end_ ? text_[offset] : '\0'; }

  // Behind \s+(?!\S)|\s+ at a space: a run leaves its last character to the word that follows.
  [[nodiscard]] std::size_t skip_spaces(std::size_t offset) const {
    std::size_t last = offset;
    std::size_t end = offset;
    for (Char next = at(end); next.bytes != 0 && next.type == kSpace; next = at(end)) {
      last = end;
      end += next.bytes;
    }
    return end == end_ || last == offset ? end : last;
  }

 private:
  const std::uint8_t* classes_;
  const char* text_;
  std::size_t end_;
};

// Bytes of 's 't 're 've 'm 'll 'd behind an apostrophe, 0 when none stands there.
std::size_t contraction_bytes(const Cursor& text, std::size_t offset, bool any_case) {
  const auto lower = [&](std::size_t at) {
    const char c = text.byte(at);
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  switch (lower(offset)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 1;
    case 'r':
    case 'v':
      return lower(offset + 1) == 'e' ? 2 : 0;
    case 'l':
      return lower(offset + 1) == 'l' ? 2 : 0;
    case '\xc5':  // U+017F, the long s, is an s in another case
      return any_case && text.byte(offset + 1) == '\xbf' ? 2 : 0;
    default:
      return 0;
  }
}

std::size_t gpt2_word(const Cursor& text, std::size_t offset) {
  Char first = text.at(offset);
  if (first.value == '\'') {
    if (const std::size_t bytes = contraction_bytes(text, offset + 1, false)) {
      return offset + 1 + bytes;
    }
  }
  std::size_t start = offset;
  if (first.value == ' ') {
    const Char next = text.at(offset + 1);
    if (next.bytes == 0 || next.type == kSpace) return text.skip_spaces(offset);
    first = next;
    ++start;
  }
  if (first.type == kSpace) return text.skip_spaces(offset);
  return text.skip(start, static_cast<CharClass>(first.type));
}

bool is_line_end(char32_t value) { return value == '\r' || value == '\n'; }

// At a space that begins no word: \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t skip_lines_or_spaces(const Cursor& text, std::size_t offset) {
  std::size_t behind_line_end = 0;
  std::size_t end = offset;
  for (Char next = text.at(end); next.bytes != 0 && next.type == kSpace; next = text.at(end)) {
    end += next.bytes;
    if (is_line_end(next.value)) behind_line_end = end;
  }
  return behind_line_end != 0 ? behind_line_end : text.skip_spaces(offset);
}

template <int kMaxDigits>
std::size_t llama3_word(const Cursor& text, std::size_t offset) {
  const Char first = text.at(offset);
  if (first.type == kLetter) return text.skip(offset, kLetter);
  if (first.type == kNumber) {
    std::size_t end = offset + first.bytes;
    for (int digits = 1; digits < kMaxDigits; ++digits) {
      const Char next = text.at(end);
      if (next.bytes == 0 || next.type != kNumber) break;
      end += next.bytes;
    }
    return end;
  }
  if (first.value == '\'') {
    if (const std::size_t bytes = contraction_bytes(text, offset + 1, true)) {
      return offset + 1 + bytes;
    }
  }
  const Char second = text.at(offset + first.bytes);
  if (second.bytes != 0 && second.type == kLetter && !is_line_end(first.value)) {
    return text.skip(offset + first.bytes, kLetter);
  }
  std::size_t start = offset;
  if (first.value == ' ' && second.bytes != 0 && second.type == kOther) ++start;
  if (start == offset && first.type == kSpace) return skip_lines_or_spaces(text, offset);
  std::size_t end = text.skip(start, kOther);
  while (is_line_end(static_cast<unsigned char>(text.byte(end)))) ++end;
  return end;
}

template <std::size_t (*kWord)(const Cursor&, std::size_t)>
void split(std::string_view text, TextRange range, std::vector<TextRange>& words) {
  const Cursor cursor(text, range);
  for (std::size_t offset = range.begin; offset < range.end;) {
    const std::size_t end = kWord(cursor, offset);
    words.push_back({offset, end});
    offset = end;
  }
}

constexpr auto kSplitters = std::to_array<std::pair<std::string_view, WordSplitter>>({
    {kGpt2Pattern, &split<gpt2_word>},
    {kLlama3Pattern, &split<llama3_word<3>>},
    {kQwen2Pattern, &split<llama3_word<1>>},
});

}  // namespace

WordSplitter find_word_splitter(std::string_view pattern) {
  for (const auto& [known, splitter] : kSplitters) {
    if (known == pattern) return splitter;
  }
  return nullptr;
}

}  // namespace pajamas
