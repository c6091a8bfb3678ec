// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/code_point_set.h"

#include <algorithm>

namespace pajamas {
namespace {

constexpr char32_t kLastCodePoint = 0x10FFFF;
constexpr CodePointRange kSurrogates{0xD800, 0xDFFF};

void append_without_surrogates(std::vector<CodePointRange>& ranges, CodePointRange range) {
  range.last = std::min(range.last, kLastCodePoint);
  if (range.first < kSurrogates.first) {
    const char32_t last = std::min<char32_t>(range.last, kSurrogates.first - 1);
    if (range.first <= last) ranges.push_back({range.first, last});
  }
  if (range.last > kSurrogates.last) {
    const char32_t first = std::max<char32_t>(range.first, kSurrogates.last + 1);
    if (first <= range.last) ranges.push_back({first, range.last});
  }
}

std::size_t utf8_bytes(char32_t code_point) {
  if (code_point < 0x80) return 1;
  if (code_point < 0x800) return 2;
  return code_point < 0x10000 ? 3 : 4;
}

std::array<std::uint8_t, 4> encode(char32_t code_point) {
  const auto tail = [&](int shift) {
    return static_cast<std::uint8_t>(0x80 | ((code_point >> shift) & 0x3F));
  };
  switch (utf8_bytes(code_point)) {
    case 1:
      return {static_cast<std::uint8_t>(code_point)};
    case 2:
      return {static_cast<std::uint8_t>(0xC0 | (code_point >> 6)), tail(0)};
    case 3:
      return {static_cast<std::uint8_t>(0xE0 | (code_point >> 12)), tail(6), tail(0)};
    default:
      return {static_cast<std::uint8_t>(0xF0 | (code_point >> 18)), tail(12), tail(6), tail(0)};
  }
}

// Where a range must be cut so that both parts are nearer to one sequence of byte ranges; 0 when
// the whole range is one sequence.
char32_t end_of_first_part(CodePointRange range) {
  for (const char32_t last_of_length : {0x7FU, 0x7FFU, 0xFFFFU}) {
    if (range.first <= last_of_length && range.last > last_of_length) return last_of_length;
  }
  for (std::size_t tail = 1; tail < utf8_bytes(range.first); ++tail) {
    const char32_t mask = (char32_t{1} << (6 * tail)) - 1;
    if ((range.first & ~mask) == (range.last & ~mask)) continue;
    if ((range.first & mask) != 0) return range.first | mask;
    if ((range.last & mask) != mask) return (range.last & ~mask) - 1;
  }
  return 0;
}

}  // namespace

CodePointSet::CodePointSet(std::vector<CodePointRange> ranges) {
  std::vector<CodePointRange> parts;
  for (const CodePointRange range : ranges) append_without_surrogates(parts, range);
  std::sort(parts.begin(), parts.end(),
            [](CodePointRange a, CodePointRange b) { return a.first < b.first; });
  for (const CodePointRange part : parts) {
    if (!ranges_.empty() && part.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, part.last);
    } else {
      ranges_.push_back(part);
    }
  }
}

CodePointSet CodePointSet::any() { return CodePointSet({{0, kLastCodePoint}}); }

bool CodePointSet::contains(char32_t code_point) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](CodePointRange range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

CodePointSet CodePointSet::complement() const {
  std::vector<CodePointRange> gaps;
  char32_t next = 0;
  for (const CodePointRange range : ranges_) {
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) gaps.push_back({next, kLastCodePoint});
  return CodePointSet(std::move(gaps));
}

CodePointSet CodePointSet::united_with(const CodePointSet& other) const {
  std::vector<CodePointRange> both = ranges_;
  both.insert(both.end(), other.ranges_.begin(), other.ranges_.end());
  return CodePointSet(std::move(both));
}

CodePointSet CodePointSet::without(const CodePointSet& other) const {
  return complement().united_with(other).complement();
}

std::vector<ByteSequence> utf8_sequences(const CodePointSet& set) {
  std::vector<ByteSequence> sequences;
  std::vector<CodePointRange> rest(set.ranges().rbegin(), set.ranges().rend());
  while (!rest.empty()) {
    const CodePointRange range = rest.back();
    rest.pop_back();
    if (const char32_t cut = end_of_first_part(range); cut != 0) {
      rest.push_back({cut + 1, range.last});
      rest.push_back({range.first, cut});
      continue;
    }
    const auto first = encode(range.first);
    const auto last = encode(range.last);
    ByteSequence sequence{.bytes = utf8_bytes(range.first)};
    for (std::size_t at = 0; at < sequence.bytes; ++at) {
      sequence.ranges[at] = {first[at], last[at]};
    }
    sequences.push_back(sequence);
  }
  return sequences;
}

DecodedCodePoint decode_utf8(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return {};
  const auto byte_at = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t lead = byte_at(offset);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || offset + bytes > text.size()) return {};
  char32_t value = lead & (0x7FU >> bytes);
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte_at(offset + at) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte_at(offset + at) & 0x3F);
  }
  const bool is_surrogate = value >= kSurrogates.first && value <= kSurrogates.last;
  if (utf8_bytes(value) != bytes || value > kLastCodePoint || is_surrogate) return {};
  return {value, bytes};
}

void append_code_point(std::string& text, char32_t code_point) {
  const auto bytes = encode(code_point);
  text.append(reinterpret_cast<const char*>(bytes.data()), utf8_bytes(code_point));
}

}  // namespace pajamas
