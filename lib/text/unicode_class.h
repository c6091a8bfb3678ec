// SPDX-License-Identifier: Apache-2.0
// Classes of code points and normal forms that tokenizers ask for. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pajamas {

bool is_unicode_number(char32_t code_point);       // categories Nd, Nl, No
bool is_unicode_punctuation(char32_t code_point);  // ASCII punctuation and symbols, categories P*
bool is_unicode_space(char32_t code_point);        // property White_Space
bool is_unicode_word(char32_t code_point);         // letters, marks, decimal digits, connectors
bool is_unicode_mark(char32_t code_point);         // category Mn
bool is_unicode_control(char32_t code_point);      // categories Cc, Cf, Co

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
// Nothing when the text is not valid UTF-8.
std::optional<std::string> to_normal_form(std::string_view text, NormalForm form);
std::string to_lower_case(std::string_view text);

}  // namespace pajamas
