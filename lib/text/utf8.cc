// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <cstdint>

#include "base/check.h"

namespace pajamas {
namespace {

// Length and least value of a sequence by its first byte; length 0 when no sequence starts so.
struct LeadByte {
  std::size_t bytes;
  char32_t bits;
  char32_t least;
};

LeadByte lead_byte(std::uint8_t first) {
  if (first < 0x80) return {1, first, 0};
  if (first >= 0xc2 && first <= 0xdf) return {2, first & 0x1fU, 0x80};
  if (first >= 0xe0 && first <= 0xef) return {3, first & 0x0fU, 0x800};
  if (first >= 0xf0 && first <= 0xf4) return {4, first & 0x07U, 0x10000};
  return {0, 0, 0};
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return {};
  const LeadByte lead = lead_byte(static_cast<std::uint8_t>(text[offset]));
  if (lead.bytes == 0 || lead.bytes > text.size() - offset) return {};
  char32_t value = lead.bits;
  for (std::size_t index = 1; index < lead.bytes; ++index) {
    const auto byte = static_cast<std::uint8_t>(text[offset + index]);
    if ((byte & 0xc0U) != 0x80U) return {};
    value = (value << 6) | (byte & 0x3fU);
  }
  if (value < lead.least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, lead.bytes};
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    if (point.bytes == 0) return false;
    offset += point.bytes;
  }
  return true;
}

BrokenSequence broken_sequence_at(std::string_view text, std::size_t offset) {
  const auto first = static_cast<std::uint8_t>(text[offset]);
  const LeadByte lead = lead_byte(first);
  BrokenSequence broken;
  if (lead.bytes == 0) return broken;
  // The second byte has a narrower range behind some first bytes: overlong forms, surrogates and
  // values over U+10FFFF end there.
  const std::uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  while (broken.bytes < lead.bytes) {
    if (offset + broken.bytes == text.size()) {
      broken.may_continue = true;
      break;
    }
    const auto byte = static_cast<std::uint8_t>(text[offset + broken.bytes]);
    const bool fits = broken.bytes == 1 ? byte >= least && byte <= most : (byte & 0xc0U) == 0x80U;
    if (!fits) break;
    ++broken.bytes;
  }
  return broken;
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3f));
    put(0x80 | ((code_point >> 6) & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    if (point.bytes == 0) {
      append_utf8(result, 0xfffd);
      offset += broken_sequence_at(text, offset).bytes;
    } else {
      result.append(text.substr(offset, point.bytes));
      offset += point.bytes;
    }
  }
  return result;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  PJ_CHECK(!from.empty());
  std::string result;
  std::size_t offset = 0;
  while (true) {
    const std::size_t found = text.find(from, offset);
    if (found == std::string_view::npos) break;
    result.append(text.substr(offset, found - offset)).append(to);
    offset = found + from.size();
  }
  return result.append(text.substr(offset));
}

}  // namespace pajamas
