// SPDX-License-Identifier: Apache-2.0
#include "text/added_token_matcher.h"

#include <algorithm>

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

std::uint8_t first_byte(const AddedToken& token) {
  return static_cast<std::uint8_t>(token.text.front());
}

// Start of the code point that ends at `end`.
std::size_t previous_start(std::string_view text, std::size_t end) {
  std::size_t start = end - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0U) == 0x80U) --start;
  return start;
}

bool is_word_at(std::string_view text, std::size_t offset) {
  const CodePoint point = code_point_at(text, offset);
  return point.bytes != 0 && is_unicode_word(point.value);
}

bool is_single_word(std::string_view text, TextRange range) {
  const bool joined_left = range.begin > 0 && is_word_at(text, previous_start(text, range.begin));
  return !joined_left && !is_word_at(text, range.end);
}

TextRange widen(const AddedToken& token, std::string_view text, TextRange range,
                std::size_t left_limit) {
  while (token.strip_left && range.begin > left_limit) {
    const std::size_t start = previous_start(text, range.begin);
    const CodePoint point = code_point_at(text, start);
    if (start < left_limit || point.bytes == 0 || !is_unicode_space(point.value)) break;
    range.begin = start;
  }
  while (token.strip_right && range.end < text.size()) {
    const CodePoint point = code_point_at(text, range.end);
    if (point.bytes == 0 || !is_unicode_space(point.value)) break;
    range.end += point.bytes;
  }
  return range;
}

}  // namespace

void AddedTokenMatcher::add(const AddedToken& token) {
  if (!token.text.empty()) tokens_.push_back(token);
}

void AddedTokenMatcher::finish() {
  std::ranges::stable_sort(tokens_, [](const AddedToken& a, const AddedToken& b) {
    if (first_byte(a) != first_byte(b)) return first_byte(a) < first_byte(b);
    return a.text.size() > b.text.size();
  });
  std::size_t index = 0;
  for (std::size_t byte = 0; byte <= 256; ++byte) {
    while (index < tokens_.size() && first_byte(tokens_[index]) < byte) ++index;
    first_of_byte_[byte] = static_cast<std::uint32_t>(index);
  }
}

const AddedToken* AddedTokenMatcher::match_at(std::string_view text, std::size_t offset) const {
  const auto byte = static_cast<std::uint8_t>(text[offset]);
  for (std::size_t index = first_of_byte_[byte]; index < first_of_byte_[byte + 1U]; ++index) {
    if (text.substr(offset).starts_with(tokens_[index].text)) return &tokens_[index];
  }
  return nullptr;
}

std::vector<AddedTokenMatcher::Part> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<Part> parts;
  std::size_t done = 0;  // everything before is in `parts`
  for (std::size_t offset = 0; offset < text.size();) {
    const AddedToken* token = match_at(text, offset);
    if (token == nullptr) {
      ++offset;
      continue;
    }
    const TextRange match{offset, offset + token->text.size()};
    offset = match.end;
    if (token->single_word && !is_single_word(text, match)) continue;
    const TextRange range = widen(*token, text, match, done);
    if (range.begin > done) parts.push_back({text.substr(done, range.begin - done)});
    parts.push_back({text.substr(range.begin, range.end - range.begin), token->id});
    done = range.end;
    offset = std::max(offset, done);
  }
  if (done < text.size()) parts.push_back({text.substr(done)});
  return parts;
}

}  // namespace pajamas
