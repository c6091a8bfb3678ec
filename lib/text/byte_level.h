// SPDX-License-Identifier: Apache-2.0
// The spelling of bytes in byte-level BPE vocabularies: every byte is one printable character, so
// that a token is always valid text ("Ġ" is the space, "Ċ" the line feed).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pajamas {

// The character that stands for a byte.
char32_t byte_level_char(std::uint8_t byte);

// Bytes spelled as characters.
std::string to_byte_level(std::string_view bytes);

// The bytes a spelling stands for; nothing when some character is not one of the 256.
std::optional<std::string> from_byte_level(std::string_view spelling);

}  // namespace pajamas
