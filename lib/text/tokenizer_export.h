// SPDX-License-Identifier: Apache-2.0
// A model folder's tokenizer as the tokenizer.* keys of a GGUF file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "tensor/metadata.h"

namespace pajamas {

// What the architecture knows about its tokenizer that the folder does not say.
struct TokenizerRules {
  std::optional<bool> add_space_prefix;      // written as tokenizer.ggml.add_space_prefix when set
  std::optional<std::string> pre_tokenizer;  // used when the tokenizer is not recognised
  // Rows of the embedding: the token list is padded with unused tokens up to it.
  std::int64_t vocab_size = 0;
};

struct TokenizerExport {
  Metadata keys;
  std::int64_t token_count = 0;
  std::vector<std::string>
      warnings;  // an unrecognised pre-tokenizer, special ids out of range, ...
};

// `config` is the parsed config.json (for *_token_id). A folder without any tokenizer gives
// tokenizer.ggml.model = "none" and a warning.
Result<TokenizerExport> export_tokenizer(const std::filesystem::path& model_dir, const Json& config,
                                         const TokenizerRules& rules);

}  // namespace pajamas
