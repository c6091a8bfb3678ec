// SPDX-License-Identifier: Apache-2.0
// Sets of Unicode code points, and the UTF-8 byte sequences that spell their members.
//
// Surrogates are in no set: valid UTF-8 cannot contain them. Plain data, pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pajamas {

struct CodePointRange {
  char32_t first = 0;
  char32_t last = 0;  // inclusive
  bool operator==(const CodePointRange&) const = default;
};

class CodePointSet {
 public:
  CodePointSet() = default;
  explicit CodePointSet(std::vector<CodePointRange> ranges);  // in any order, may overlap
  static CodePointSet any();

  // Sorted, disjoint, with gaps between them.
  [[nodiscard]] const std::vector<CodePointRange>& ranges() const { return ranges_; }
  [[nodiscard]] bool contains(char32_t code_point) const;
  [[nodiscard]] CodePointSet complement() const;
  [[nodiscard]] CodePointSet united_with(const CodePointSet& other) const;
  [[nodiscard]] CodePointSet without(const CodePointSet& other) const;

 private:
  std::vector<CodePointRange> ranges_;
};

// `bytes` ranges of bytes in a row; each choice of one byte from each is one member.
struct ByteSequence {
  struct Range {
    std::uint8_t first = 0;
    std::uint8_t last = 0;
    bool operator==(const Range&) const = default;
  };
  std::array<Range, 4> ranges{};
  std::size_t bytes = 0;
};

std::vector<ByteSequence> utf8_sequences(const CodePointSet& set);

// The code point at `offset` of valid UTF-8, and how many bytes it takes; 0 when it is not valid.
struct DecodedCodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
};
DecodedCodePoint decode_utf8(std::string_view text, std::size_t offset);

void append_code_point(std::string& text, char32_t code_point);

}  // namespace pajamas
