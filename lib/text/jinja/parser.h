// SPDX-License-Identifier: Apache-2.0
// The text of a template to its tree. What a sandboxed chat template has no use for (include,
// import, extends, autoescape) is refused by name; errors name the line.
#pragma once

#include <string_view>

#include "text/jinja/ast.h"

namespace pajamas::jinja {

inline constexpr std::size_t kMaxTemplateBytes = std::size_t{1} << 19;

Result<Program> parse(std::string_view source);

}  // namespace pajamas::jinja
