// SPDX-License-Identifier: Apache-2.0
// What a grammar may continue with behind some text, as numbered states that are made on demand.
//
// A state is a set of (node, stack) pairs. Stacks are shared: one stack node stands for all places
// that called one rule at one point of the text, so ambiguous grammars take polynomial space, and
// equal stacks have equal numbers. Hence equal situations are one state, transitions are looked up
// after the first time, and a rule that ends with a call of itself does not grow the stack.
//
// One thread at a time. Work per operation is bounded: behind the limit next() gives kDead and
// is_exhausted() says so until begin_operation().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sampling/grammar/grammar.h"

namespace pajamas {

class GrammarStates {
 public:
  using State = std::uint32_t;
  static constexpr State kDead = 0;

  explicit GrammarStates(std::shared_ptr<const Grammar> grammar);

  [[nodiscard]] State start() const { return start_; }
  State next(State state, std::uint8_t byte) {
    const State known = transitions_[state * classes_ + grammar_->class_of(byte)];
    return known != kUnknown ? known : compute(state, byte);
  }
  // Whether the text may end here.
  [[nodiscard]] bool is_accepting(State state) const { return states_[state].accepting; }
  [[nodiscard]] std::size_t count() const { return states_.size(); }

  void begin_operation();
  [[nodiscard]] bool is_exhausted() const { return exhausted_; }

  // Forgets all states but this one, which gets a new number.
  State keep_only(State state);

 private:
  using Node = Grammar::Node;
  using Stack = std::uint32_t;
  static constexpr State kUnknown = UINT32_MAX;
  static constexpr Node kFinish = UINT32_MAX;  // behind the root rule
  struct Item {
    Node node = 0;
    Stack stack = 0;
    bool operator==(const Item&) const = default;
    auto operator<=>(const Item&) const = default;
  };
  // A stack is the list of places to go on at, each with the stack below it.
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool accepting = false;  // of a state
  };
  // Numbers for equal lists of items.
  class Pool {
   public:
    std::uint32_t intern(std::span<const Item> items, bool accepting);
    [[nodiscard]] std::span<const Item> items(std::uint32_t index) const {
      return std::span(items_).subspan(spans_[index].begin,
                                       spans_[index].end - spans_[index].begin);
    }
    [[nodiscard]] const Span& operator[](std::uint32_t index) const { return spans_[index]; }
    [[nodiscard]] std::size_t size() const { return spans_.size(); }

   private:
    std::vector<Item> items_;
    std::vector<Span> spans_;
    std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
  };

  void add(Item item);
  void expand_read_items();
  void call(Grammar::Call call, Stack stack);
  void enter_rules();
  State close();
  State compute(State state, std::uint8_t byte);
  State intern_state(std::span<const Item> items, bool accepting);

  // Shared with every matcher of the same grammar.
  std::shared_ptr<const Grammar> grammar_;
  std::uint32_t classes_;
  Pool stacks_;
  Pool states_;
  std::vector<State> transitions_;  // (states, classes)
  State start_ = kDead;
  std::uint64_t work_ = 0;
  std::size_t states_before_ = 0;
  bool exhausted_ = false;

  // Of the state that is being made.
  std::vector<Item> reached_;
  std::unordered_set<std::uint64_t> seen_;
  std::unordered_map<Grammar::Rule, std::vector<Item>> called_;
  std::vector<std::pair<std::uint32_t, Grammar::Rule>> call_queue_;  // heap by call order
  bool accepting_ = false;
};

}  // namespace pajamas
