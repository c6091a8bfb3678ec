// SPDX-License-Identifier: Apache-2.0
// A BPE vocabulary with its merges, from tokenizer.json or from vocab.json and merges.txt.
//
// A plain value. What does not fit together but can be lived with is a warning; what makes the
// model meaningless (ids out of range, merges that are no pairs) is an error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

// Lets string maps be asked with a string_view. Not noexcept, or libstdc++ would take it for free
// and hash the keys of a bucket anew at each look, instead of keeping their hashes.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
using TokenIds = std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>>;

struct BpeMerge {
  std::string left;
  std::string right;
};

struct BpeModel {
  TokenIds ids;
  std::vector<BpeMerge> merges;  // best first
  std::optional<std::string> unknown_token;
  std::string continuing_prefix;
  std::string end_suffix;
  bool fuse_unknown = false;
  bool byte_fallback = false;
  bool ignore_merges = false;  // a word that is a token is taken whole
  std::vector<std::string> warnings;

  [[nodiscard]] std::optional<std::int32_t> find(std::string_view token) const;
};

// `model` is the member of that name in tokenizer.json.
Result<BpeModel> parse_bpe_model(const Json& model);

// merges.txt is looked for beside the vocabulary and may be missing.
Result<BpeModel> read_bpe_files(const std::filesystem::path& folder);
// The merges of a merges.txt; lines that are no pair are left out with a warning.
Result<std::vector<BpeMerge>> read_merges_file(const std::filesystem::path& path,
                                               std::vector<std::string>& warnings);

// The merges as GGUF stores them: "left right", a space inside a piece written as U+0120.
std::vector<std::string> merge_lines(const BpeModel& model);

}  // namespace pajamas
