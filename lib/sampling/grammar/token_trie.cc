// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/token_trie.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace pajamas {
namespace {

// The longest pieces of real vocabularies are a few hundred bytes of spaces.
constexpr std::size_t kMaxPieceBytes = 4096;

}  // namespace

Result<std::shared_ptr<const TokenTrie>> TokenTrie::create(const VocabularyView& vocabulary) {
  auto trie = std::make_shared<TokenTrie>();
  trie->pieces_.assign(vocabulary.pieces.begin(), vocabulary.pieces.end());
  trie->is_end_.assign(vocabulary.pieces.size(), false);
  for (const std::int32_t id : vocabulary.end_of_generation) {
    if (id < 0 || static_cast<std::size_t>(id) >= vocabulary.pieces.size()) {
      return make_error(ErrorCode::kInvalidData,
                        "end-of-generation token {} is not in the vocabulary of {} tokens", id,
                        vocabulary.pieces.size());
    }
    trie->is_end_[static_cast<std::size_t>(id)] = true;
    trie->ends_.push_back(id);
  }
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    trie->longest_ = std::max(trie->longest_, vocabulary.pieces[id].size());
    if (vocabulary.pieces[id].size() > kMaxPieceBytes) {
      return make_error(ErrorCode::kInvalidData, "token {} has {} bytes, expected at most {}", id,
                        vocabulary.pieces[id].size(), kMaxPieceBytes);
    }
  }
  trie->build();
  return trie;
}

void TokenTrie::build() {
  for (std::size_t id = 0; id < pieces_.size(); ++id) {
    if (!pieces_[id].empty() && !is_end_[id]) tokens_.push_back(static_cast<std::int32_t>(id));
  }
  const auto piece_of = [&](std::int32_t id) -> const std::string& {
    return pieces_[static_cast<std::size_t>(id)];
  };
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [&](std::int32_t a, std::int32_t b) { return piece_of(a) < piece_of(b); });
  std::vector<std::uint32_t> open;  // the node at each depth of the previous piece
  const auto close_to = [&](std::size_t depth) {
    while (open.size() > depth) {
      nodes_[open.back()].behind = static_cast<std::uint32_t>(nodes_.size());
      open.pop_back();
    }
  };
  std::string_view previous;
  for (std::size_t at = 0; at < tokens_.size(); ++at) {
    const std::string_view piece = piece_of(tokens_[at]);
    const auto differs =
        std::mismatch(previous.begin(), previous.end(), piece.begin(), piece.end());
    close_to(static_cast<std::size_t>(differs.second - piece.begin()));
    for (std::size_t depth = open.size(); depth < piece.size(); ++depth) {
      // Inner nodes of a new branch hold no tokens: their list is empty up to the last one's.
      open.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({.first_token = static_cast<std::uint32_t>(at),
                        .depth = static_cast<std::uint16_t>(depth + 1),
                        .byte = static_cast<std::uint8_t>(piece[depth])});
    }
    previous = piece;
  }
  close_to(0);
  nodes_.push_back({.behind = static_cast<std::uint32_t>(nodes_.size() + 1),
                    .first_token = static_cast<std::uint32_t>(tokens_.size())});
}

}  // namespace pajamas
