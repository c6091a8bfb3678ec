// SPDX-License-Identifier: Apache-2.0
// A compiled grammar: per rule a small automaton over bytes, whose edges are bytes, jumps that
// read nothing, and calls of other rules.
//
// Immutable once made; any number of threads and sequences may use one. What a text may continue
// with is computed by GrammarStates; token masks by GrammarMatcher.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sampling/grammar/gbnf_parser.h"

namespace pajamas {

class Grammar {
 public:
  using Node = std::uint32_t;
  using Rule = std::uint32_t;
  struct ByteEdge {
    std::uint8_t first = 0;
    std::uint8_t last = 0;
    Node to = 0;
  };
  struct Call {
    Rule rule = 0;
    Node back = 0;  // where the caller goes on
  };

  // GBNF text (docs/grammars.md). Left recursion is an error that names the rules.
  // Shared: all sequences that follow one grammar hold it.
  static Result<std::shared_ptr<const Grammar>> parse(std::string_view gbnf,
                                                      const GrammarLimits& limits = {});

  [[nodiscard]] std::size_t nodes() const { return is_end_.size(); }
  [[nodiscard]] std::size_t rules() const { return entries_.size(); }
  [[nodiscard]] Rule root() const { return root_; }
  [[nodiscard]] Node entry(Rule rule) const { return entries_[rule]; }
  // The last node of a rule; it has no edges.
  [[nodiscard]] bool is_end(Node node) const { return is_end_[node]; }
  [[nodiscard]] bool is_nullable(Rule rule) const { return nullable_[rule]; }
  // A rule stands before every rule that it can call before reading a byte.
  [[nodiscard]] std::uint32_t call_order(Rule rule) const { return call_order_[rule]; }

  [[nodiscard]] std::span<const ByteEdge> byte_edges(Node node) const {
    return std::span(byte_edges_)
        .subspan(byte_offsets_[node], byte_offsets_[node + 1] - byte_offsets_[node]);
  }
  // Includes a jump over each call of a rule that may be empty.
  [[nodiscard]] std::span<const Node> jumps(Node node) const {
    return std::span(jumps_).subspan(jump_offsets_[node],
                                     jump_offsets_[node + 1] - jump_offsets_[node]);
  }
  [[nodiscard]] std::span<const Call> calls(Node node) const {
    return std::span(calls_).subspan(call_offsets_[node],
                                     call_offsets_[node + 1] - call_offsets_[node]);
  }

  // Bytes that no edge tells apart are in one class.
  [[nodiscard]] std::uint32_t byte_classes() const { return byte_classes_; }
  [[nodiscard]] std::uint8_t class_of(std::uint8_t byte) const { return class_of_[byte]; }
  [[nodiscard]] std::uint8_t byte_of_class(std::uint32_t byte_class) const {
    return byte_of_class_[byte_class];
  }

 private:
  friend class GrammarCompiler;

  Rule root_ = 0;
  std::vector<Node> entries_;
  std::vector<bool> is_end_;
  std::vector<bool> nullable_;
  std::vector<std::uint32_t> call_order_;
  // The edges of node n are at [offsets[n], offsets[n + 1]).
  std::vector<ByteEdge> byte_edges_;
  std::vector<Node> jumps_;
  std::vector<Call> calls_;
  std::vector<std::uint32_t> byte_offsets_;
  std::vector<std::uint32_t> jump_offsets_;
  std::vector<std::uint32_t> call_offsets_;
  std::uint32_t byte_classes_ = 0;
  std::array<std::uint8_t, 256> class_of_{};
  std::array<std::uint8_t, 256> byte_of_class_{};
};

}  // namespace pajamas
