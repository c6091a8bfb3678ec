// SPDX-License-Identifier: Apache-2.0
// U+2581, which stands for a space in the pieces of SentencePiece and of what follows it.
#pragma once

#include <string_view>

namespace pajamas {

inline constexpr std::string_view kMetaspaceText = "\xe2\x96\x81";
inline constexpr char32_t kMetaspacePoint = 0x2581;

}  // namespace pajamas
