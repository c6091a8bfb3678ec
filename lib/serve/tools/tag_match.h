// SPDX-License-Identifier: Apache-2.0
// Finding tags in text that comes in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pajamas {

inline constexpr std::string_view kArgumentsTag = "[ARGS]";
inline constexpr std::string_view kCallIdTag = "[CALL_ID]";
inline constexpr std::string_view kBlank = " \t\r\n";

inline std::string_view trim_left(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin);
}

inline std::string_view trim_right(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

inline std::string_view trim(std::string_view text) { return trim_right(trim_left(text)); }

// How many bytes at the end of `text` may be the beginning of `tag`.
inline std::size_t partial_match(std::string_view text, std::string_view tag) {
  for (std::size_t count = std::min(text.size(), tag.size() - 1); count > 0; --count) {
    if (text.ends_with(tag.substr(0, count))) return count;
  }
  return 0;
}

}  // namespace pajamas
