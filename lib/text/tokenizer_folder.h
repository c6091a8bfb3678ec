// SPDX-License-Identifier: Apache-2.0
// The JSON files of a model folder that describe its tokenizer, read with limits, and what they
// say together about added and special tokens.
//
// A plain value; files that are not there are empty optionals. A file that is there but broken is
// an error that names it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

inline constexpr std::uint64_t kMaxTokenizerBytes = std::uint64_t{64} << 20;

struct TokenizerFolder {
  std::filesystem::path path{};
  std::optional<Json> tokenizer{};           // tokenizer.json
  std::optional<Json> tokenizer_config{};    // tokenizer_config.json
  std::optional<Json> special_tokens_map{};  // special_tokens_map.json
  std::optional<Json> added_tokens{};        // added_tokens.json: text -> id

  [[nodiscard]] bool has_file(std::string_view name) const;
  // The member of tokenizer_config.json, null when the file or the member is not there.
  [[nodiscard]] const Json* config_member(std::string_view key) const;
  [[nodiscard]] std::string tokenizer_class() const;  // "" when not said
};

Result<TokenizerFolder> read_tokenizer_folder(const std::filesystem::path& path);

// A token that is matched in the text before the model sees it.
struct AddedToken {
  std::int64_t id = 0;
  std::string text{};
  bool special = false;
  bool normalized = true;  // matched in normalized text
  bool single_word = false;
  bool strip_left = false;
  bool strip_right = false;
};

// By id. Entries of tokenizer.json, overridden and completed by tokenizer_config.json's
// added_tokens_decoder and added_tokens.json.
using AddedTokens = std::map<std::int64_t, AddedToken>;
Result<AddedTokens> read_added_tokens(const TokenizerFolder& folder);

// The content of a special token entry: a string, or an object with "content".
std::optional<std::string> token_content(const Json& entry);

// Texts that tokenizer_config.json or special_tokens_map.json name as special (bos, eos, unk, ...,
// additional), each once. Without a word from either and without a tokenizer.json, that of the
// classes that read vocab.json.
std::vector<std::string> named_special_tokens(const TokenizerFolder& folder);

}  // namespace pajamas
