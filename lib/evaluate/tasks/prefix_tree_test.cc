// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/prefix_tree.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

using Tokens = std::vector<std::int32_t>;

Tokens tokens(std::size_t shared, std::initializer_list<std::int32_t> rest) {
  Tokens result(shared, 7);
  result.insert(result.end(), rest);
  return result;
}

std::vector<PrefixNode> tree_of(std::vector<Tokens>& sequences) {
  std::ranges::sort(sequences);
  const std::vector<TokenSpan> spans(sequences.begin(), sequences.end());
  return make_prefix_tree(spans);
}

// Every sequence's tokens are covered once by the nodes from the root down.
void check_covers(const std::vector<Tokens>& sequences, const std::vector<PrefixNode>& nodes) {
  for (std::size_t sequence = 0; sequence < sequences.size(); ++sequence) {
    std::size_t covered = 0;
    for (const PrefixNode& node : nodes) {
      if (sequence < node.first || sequence >= node.last) continue;
      EXPECT_EQ(node.begin, covered);
      covered = node.end;
      EXPECT_EQ(common_length(sequences[node.first], sequences[sequence]) >= node.end, true);
    }
    EXPECT_EQ(covered, sequences[sequence].size());
  }
}

TEST(PrefixTree, SharesDescriptionThenQuestionThenNothing) {
  std::vector<Tokens> sequences;
  for (const std::int32_t question : {1, 2}) {
    for (const std::int32_t choice : {3, 4, 5}) {
      Tokens text = tokens(100, {question});
      text.insert(text.end(), 50, question);
      text.push_back(choice);
      sequences.push_back(text);
    }
  }
  const auto nodes = tree_of(sequences);
  ASSERT_EQ(nodes.size(), 9U);
  EXPECT_EQ(nodes[0].end, 100U);
  EXPECT_EQ(nodes[1].end, 151U);
  EXPECT_EQ(nodes[2].level, 1U);
  EXPECT_EQ(nodes[3].level, 2U);
  EXPECT_EQ(nodes[3].parent, 1U);
  check_covers(sequences, nodes);
}

TEST(PrefixTree, EqualSequencesAreOneNode) {
  std::vector<Tokens> sequences(4, tokens(10, {1, 2}));
  const auto nodes = tree_of(sequences);
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].last, 4U);
  EXPECT_EQ(nodes[0].end, 12U);
}

TEST(PrefixTree, ASequenceMayEndWhereOthersGoOn) {
  std::vector<Tokens> sequences = {tokens(40, {}), tokens(40, {1}), tokens(40, {}),
                                   tokens(40, {1, 2})};
  const auto nodes = tree_of(sequences);
  EXPECT_EQ(nodes[0].end, 40U);
  check_covers(sequences, nodes);
}

TEST(PrefixTree, RepeatsTokensWhereABranchWouldSaveFew) {
  std::vector<Tokens> sequences = {tokens(10, {1, 1, 1, 2}), tokens(10, {1, 1, 1, 3}),
                                   tokens(10, {4})};
  const auto nodes = tree_of(sequences);
  ASSERT_EQ(nodes.size(), 4U);
  for (std::size_t i = 1; i < nodes.size(); ++i) EXPECT_EQ(nodes[i].parent, 0U);
  check_covers(sequences, nodes);
}

}  // namespace
}  // namespace pajamas
