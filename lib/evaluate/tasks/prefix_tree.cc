// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/prefix_tree.h"

#include <algorithm>

namespace pajamas {
namespace {

// Tokens that a branch must save. A pass through the model reads all weights once, which takes
// about as long as computing this many tokens more in a pass that is made anyway.
constexpr std::size_t kWorthwhileTokens = 32;

class PrefixTree {
 public:
  explicit PrefixTree(std::span<const TokenSpan> sequences) : sequences_(sequences) {}

  std::vector<PrefixNode> build() {
    nodes_.push_back({.last = sequences_.size(), .end = shared_length(0, sequences_.size())});
    for (std::size_t node = 0; node < nodes_.size(); ++node) add_children(node);
    return std::move(nodes_);
  }

 private:
  // Sorted sequences share what the first and the last of them share.
  [[nodiscard]] std::size_t shared_length(std::size_t first, std::size_t last) const {
    return common_length(sequences_[first], sequences_[last - 1]);
  }

  void add(std::size_t parent, std::size_t first, std::size_t last, std::size_t end) {
    nodes_.push_back({.parent = parent,
                      .level = nodes_[parent].level + 1,
                      .first = first,
                      .last = last,
                      .begin = nodes_[parent].end,
                      .end = end});
  }

  void add_children(std::size_t parent) {
    const std::size_t depth = nodes_[parent].end;
    const std::size_t last = nodes_[parent].last;
    std::size_t at = nodes_[parent].first;
    while (at < last && sequences_[at].size() == depth) ++at;
    while (at < last) {
      std::size_t next = at + 1;
      while (next < last && sequences_[next][depth] == sequences_[at][depth]) ++next;
      const std::size_t end = shared_length(at, next);
      if ((end - depth) * (distinct(at, next) - 1) >= kWorthwhileTokens) {
        add(parent, at, next, end);
      } else {
        add_each(parent, at, next);
      }
      at = next;
    }
  }

  // One node for each sequence; equal ones share it.
  void add_each(std::size_t parent, std::size_t first, std::size_t last) {
    while (first < last) {
      std::size_t next = first + 1;
      while (next < last && is_same(first, next)) ++next;
      add(parent, first, next, sequences_[first].size());
      first = next;
    }
  }

  [[nodiscard]] std::size_t distinct(std::size_t first, std::size_t last) const {
    std::size_t count = 1;
    for (std::size_t at = first + 1; at < last; ++at) count += is_same(at - 1, at) ? 0 : 1;
    return count;
  }
  [[nodiscard]] bool is_same(std::size_t a, std::size_t b) const {
    return std::ranges::equal(sequences_[a], sequences_[b]);
  }

  std::span<const TokenSpan> sequences_;
  std::vector<PrefixNode> nodes_;
};

}  // namespace

std::size_t common_length(TokenSpan a, TokenSpan b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

std::vector<PrefixNode> make_prefix_tree(std::span<const TokenSpan> sequences) {
  return PrefixTree(sequences).build();
}

}  // namespace pajamas
