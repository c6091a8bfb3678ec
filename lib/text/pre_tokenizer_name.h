// SPDX-License-Identifier: Apache-2.0
// The name GGUF files give the pre-tokenizer of a byte-level BPE ("llama-bpe", "qwen2", ...).
//
// llama.cpp has its own code for each known pre-tokenizer and picks it by name. The name is found
// twice: by the definition in the tokenizer's files, compared with known ones, and by the hash of
// the ids of a fixed check text, which is how llama.cpp's converter knows it. The hash wins. An
// unknown tokenizer gives a warning and the best guess, never an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/bpe_encoder.h"
#include "text/bpe_model.h"
#include "text/tokenizer_folder.h"

namespace pajamas {

// The text whose ids are hashed: spaces, emoji, scripts, digits, quotes and contractions.
extern const std::string_view kPreTokenizerCheckText;

struct PreTokenizerQuery {
  const BpeModel& model;
  const AddedTokens& added;
  const TokenizerFolder& folder;
  std::optional<std::int64_t> bos_id{};  // ids that the post-processor may put around the text
  std::optional<std::int64_t> eos_id{};
  std::optional<std::string> fallback{};  // used when the tokenizer is not recognised
};

struct PreTokenizerName {
  std::string name;
  std::string hash{};  // of the check text's ids; "" when it could not be encoded
  std::vector<std::string> warnings{};
};

PreTokenizerName name_pre_tokenizer(const PreTokenizerQuery& query);

// The hash of ids as the table has it: SHA-256 of "[1, 2, 3]".
std::string hash_token_ids(const std::vector<std::int32_t>& ids);
// The converter's name for a hash.
std::optional<std::string_view> pre_tokenizer_of_hash(std::string_view hash);

}  // namespace pajamas
