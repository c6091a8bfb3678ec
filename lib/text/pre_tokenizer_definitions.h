// SPDX-License-Identifier: Apache-2.0
// Known pre-tokenizers as data: what a tokenizer.json says, and the names GGUF has for it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace pajamas {

struct PreTokenizerDefinition {
  // Steps, one a line: "split PATTERN" (isolated), "digits", "digit runs", "byte level" and
  // "gpt2" (byte level with its own pattern).
  std::string_view steps;
  std::optional<bool> ignore_merges;  // when it tells two names apart
  // Names with this definition, separated by spaces; the first stands for all.
  std::string_view names;
};

// Those that a folder's definition is compared with.
std::span<const PreTokenizerDefinition> known_pre_tokenizers();

// By a name of GGUF, with names that only files of others have. Nullptr when it is not known.
const PreTokenizerDefinition* find_pre_tokenizer(std::string_view name);

// The steps of a "pre_tokenizer", in the same spelling; "" when it has other kinds of steps.
std::string describe_pre_tokenizer(const Json& definition);
// The other way round: JSON for a known definition.
Json pre_tokenizer_json(std::string_view steps);

}  // namespace pajamas
