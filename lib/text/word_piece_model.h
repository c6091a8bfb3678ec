// SPDX-License-Identifier: Apache-2.0
// A WordPiece vocabulary: a word is cut from the left into the longest pieces there are.
//
// Owns its table; built once, then read-only: encode may be called from several threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_model.h"

namespace pajamas {

struct WordPieceModel {
  TokenIds ids{};
  std::int32_t unknown_id = -1;          // a word that cannot be cut; negative: nothing
  std::string continuing_prefix = "##";  // of pieces that do not begin a word
  std::size_t max_word_chars = 100;      // a longer word is unknown

  void encode(std::string_view word, std::vector<std::int32_t>& out) const;
};

}  // namespace pajamas
