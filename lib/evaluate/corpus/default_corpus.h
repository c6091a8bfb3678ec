// SPDX-License-Identifier: Apache-2.0
// The text that a validation reads when no other is named, embedded by the build. Where it comes
// from: README.md beside this file.
#pragma once

#include <string_view>

namespace pajamas {

inline constexpr std::string_view kDefaultCorpusName = "parents_assistant";
extern const std::string_view kDefaultCorpus;

}  // namespace pajamas
