// SPDX-License-Identifier: Apache-2.0
// UTF-8 text as code points. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pajamas {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0 when the text at that place is not valid UTF-8
};

// The code point that starts at `offset`. Overlong forms, surrogates and values over U+10FFFF are
// not valid.
CodePoint code_point_at(std::string_view text, std::size_t offset);

bool is_valid_utf8(std::string_view text);

// What stands at a place that is not a valid code point: the bytes that one U+FFFD stands for (the
// longest beginning of a valid sequence, at least one byte), and whether bytes behind the end of
// the text could still complete it.
struct BrokenSequence {
  std::size_t bytes = 1;
  bool may_continue = false;
};
BrokenSequence broken_sequence_at(std::string_view text, std::size_t offset);

void append_utf8(std::string& text, char32_t code_point);

// The text with U+FFFD for each invalid sequence, as lossy decoders print it.
std::string replace_invalid_utf8(std::string_view text);

// `text` with every `from` replaced by `to`; `from` is not empty.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace pajamas
