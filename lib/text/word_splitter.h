// SPDX-License-Identifier: Apache-2.0
// Hand-written matchers for the pre-tokenizer patterns that most models share. Each cuts exactly
// as Oniguruma does with the pattern; the tests compare them on random text.
//
// Pure functions over tables that are made once per process from Oniguruma's own.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace pajamas {

// The words of GPT-2, which a ByteLevel pre-tokenizer with "use_regex" stands for.
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// Numbers in groups of three (Llama 3) or digit by digit (Qwen 2).
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Appends the matches of the pattern in text[range], as if nothing stood around it; they cover all
// of it. `text` must be valid UTF-8.
using WordSplitter = void (*)(std::string_view text, TextRange range,
                              std::vector<TextRange>& words);

// Nullptr when there is none for this pattern.
WordSplitter find_word_splitter(std::string_view pattern);

}  // namespace pajamas
