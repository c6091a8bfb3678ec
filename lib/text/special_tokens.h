// SPDX-License-Identifier: Apache-2.0
// Which ids begin and end a text, which stand for unknown and padding, and whether they are added
// to a prompt: from tokenizer_config.json, the post-processor of tokenizer.json and config.json,
// in the order in which llama.cpp's converter trusts them.
//
// A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "tensor/metadata.h"
#include "text/tokenizer_folder.h"

namespace pajamas {

struct SpecialTokens {
  // By role: "bos", "eos", "unk", "sep", "pad", "cls", "mask", "eot", "eom".
  std::vector<std::pair<std::string, std::int64_t>> ids;
  std::vector<std::pair<std::string, bool>> add;
  std::vector<std::string> warnings;

  [[nodiscard]] std::optional<std::int64_t> id_of(std::string_view role) const;
};

// `token_count`: ids from there on are left out with a warning.
SpecialTokens find_special_tokens(const TokenizerFolder& folder, const Json& config,
                                  std::int64_t token_count);

// Adds the tokenizer.ggml.* keys for the roles that GGUF has a key for.
void write_special_tokens(const SpecialTokens& tokens, Metadata& keys);

}  // namespace pajamas
