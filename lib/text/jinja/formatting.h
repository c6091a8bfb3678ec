// SPDX-License-Identifier: Apache-2.0
// Python's two ways to format: printf-style `text % values`, and str.format with format specs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace pajamas::jinja {

// A width or precision beyond this is an error; so is longer padding.
inline constexpr std::int64_t kMaxFormatWidth = 100'000;

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};

// `values`: a tuple, a dict, or one value.
Result<std::string> format_percent(Budget& budget, std::string_view text, const Value& values);
Result<std::string> format_braces(Budget& budget, std::string_view text, const Arguments& values);
// The text in a field of `width` code points: '<', '>', '^' as a format spec, '|' as str.center,
// which puts an odd space on the other side.
Result<std::string> pad(Budget& budget, std::string_view text, std::int64_t width, char alignment,
                        std::string_view fill = " ");

}  // namespace pajamas::jinja
