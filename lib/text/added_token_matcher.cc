// SPDX-License-Identifier: Apache-2.0
#include "text/added_token_matcher.h"

#include <algorithm>

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

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
  if (token.text.empty()) return;
  trie_.put(token.text, static_cast<std::int32_t>(tokens_.size()));
  tokens_.push_back(token);
}

const AddedToken* AddedTokenMatcher::match_at(std::string_view text, std::size_t offset) const {
  const AddedToken* longest = nullptr;
  std::int32_t node = ByteTrie::kRoot;
  for (; offset < text.size(); ++offset) {
    node = trie_.walk(node, text[offset]);
    if (node == ByteTrie::kNoNode) break;
    const std::int32_t index = trie_.value(node);
    if (index != ByteTrie::kNoValue) longest = &tokens_[static_cast<std::size_t>(index)];
  }
  return longest;
}

std::vector<AddedTokenMatcher::Part> AddedTokenMatcher::split(std::string_view text,
                                                              Special special) const {
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
    if (token->special && special == Special::kIgnore) continue;
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
