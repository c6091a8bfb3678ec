// SPDX-License-Identifier: Apache-2.0
// Which parts of token sequences are computed once because several begin with them.
//
//                                       [ choice A ]
//   [ description, examples ][ question ][ choice B ]     one node each, four here
//
// A node stands for tokens begin..end of the sequences first..last. A branch that would save
// little is not made: its sequences repeat those tokens instead, because each level of the tree is
// one pass through the model. Pure functions of the tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pajamas {

using TokenSpan = std::span<const std::int32_t>;

struct PrefixNode {
  std::size_t parent = 0;  // of the root: itself
  std::size_t level = 0;
  std::size_t first = 0;  // sequences first to last - 1 begin so
  std::size_t last = 0;
  std::size_t begin = 0;  // tokens begin to end - 1
  std::size_t end = 0;
};

// The root comes first, then level by level. The root's tokens begin at 0 and end where the
// sequences part. `sequences` are sorted, at least one, none empty.
std::vector<PrefixNode> make_prefix_tree(std::span<const TokenSpan> sequences);

// How many tokens both begin with.
std::size_t common_length(TokenSpan a, TokenSpan b);

}  // namespace pajamas
