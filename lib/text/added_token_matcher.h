// SPDX-License-Identifier: Apache-2.0
// Finds added tokens in a text: the leftmost one, of those the longest.
//
// Built once, then read-only: find may be called from several threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/regex.h"
#include "text/tokenizer_folder.h"

namespace pajamas {

class AddedTokenMatcher {
 public:
  // A part of the text: an added token, or text between them (id is kText).
  static constexpr std::int64_t kText = -1;
  struct Part {
    std::string_view text;
    std::int64_t id = kText;
  };

  // `token.text` must be as it stands in the text: normalized where that is. Of tokens with one
  // text the first counts.
  void add(const AddedToken& token);
  // kIgnore: special tokens are text like any other.
  enum class Special { kMatch, kIgnore };
  [[nodiscard]] std::vector<Part> split(std::string_view text,
                                        Special special = Special::kMatch) const;

 private:
  [[nodiscard]] const AddedToken* match_at(std::string_view text, std::size_t offset) const;

  std::vector<AddedToken> tokens_;
  ByteTrie trie_;  // of their texts
};

}  // namespace pajamas
