// SPDX-License-Identifier: Apache-2.0
// The pieces of a vocabulary as a tree of shared prefixes, laid out so that one pass visits it.
//
// Made once per vocabulary, immutable, shared by all matchers; holds copies of the pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "sampling/vocabulary_view.h"

namespace pajamas {

class TokenTrie {
 public:
  // In depth-first order. The tokens that end here are tokens[first_token] up to the next node's.
  struct Node {
    std::uint32_t behind = 0;  // the first node that is not below this one
    std::uint32_t first_token = 0;
    std::uint16_t depth = 0;  // bytes of the piece up to here, from 1
    std::uint8_t byte = 0;
  };

  // Shared: one trie serves all sequences of a model. Tokens that end a text and tokens without
  // bytes are not in the tree.
  static Result<std::shared_ptr<const TokenTrie>> create(const VocabularyView& vocabulary);

  // The nodes, and one more that only closes the last token list.
  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] std::span<const std::int32_t> tokens() const { return tokens_; }
  [[nodiscard]] std::size_t vocabulary_size() const { return pieces_.size(); }
  [[nodiscard]] std::size_t longest_piece_bytes() const { return longest_; }
  [[nodiscard]] const std::string& piece(std::size_t id) const { return pieces_[id]; }
  [[nodiscard]] std::span<const std::int32_t> end_of_generation() const { return ends_; }
  [[nodiscard]] bool is_end_of_generation(std::size_t id) const { return is_end_[id]; }

 private:
  void build();

  std::vector<Node> nodes_;
  std::vector<std::int32_t> tokens_;
  std::vector<std::string> pieces_;
  std::vector<std::int32_t> ends_;
  std::vector<bool> is_end_;
  std::size_t longest_ = 0;
};

}  // namespace pajamas
