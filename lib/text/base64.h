// SPDX-License-Identifier: Apache-2.0
// Base64, as tokenizer files hold bytes in text. Pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pajamas {

// Nothing when some character is no digit. '=' at the end may be missing.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace pajamas
