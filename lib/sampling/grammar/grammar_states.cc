// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/grammar_states.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"

namespace pajamas {
namespace {

// Steps of one operation, about a second; ordinary masks take some thousands.
constexpr std::uint64_t kMaxWork = 8'000'000;
// New states of one operation; each takes about a kilobyte.
constexpr std::size_t kMaxNewStates = 40'000;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15U;
  return hash ^ (hash >> 29);
}

}  // namespace

std::uint32_t GrammarStates::Pool::intern(std::span<const Item> list, bool accepting) {
  std::uint64_t hash = accepting ? 1 : 0;
  for (const Item item : list) hash = mix(hash, (std::uint64_t{item.node} << 32) | item.stack);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto entry = first; entry != last; ++entry) {
    const std::uint32_t index = entry->second;
    if (spans_[index].accepting == accepting && std::ranges::equal(items(index), list)) {
      return index;
    }
  }
  const auto begin = static_cast<std::uint32_t>(items_.size());
  items_.insert(items_.end(), list.begin(), list.end());
  const auto index = static_cast<std::uint32_t>(spans_.size());
  spans_.push_back({begin, static_cast<std::uint32_t>(items_.size()), accepting});
  by_hash_.emplace(hash, index);
  return index;
}

GrammarStates::GrammarStates(std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)), classes_(grammar_->byte_classes()) {
  const State dead = intern_state({}, false);
  PJ_CHECK(dead == kDead);
  const Stack nothing = stacks_.intern({}, false);
  called_[grammar_->root()].push_back({kFinish, nothing});
  call_queue_.push_back({grammar_->call_order(grammar_->root()), grammar_->root()});
  accepting_ = grammar_->is_nullable(grammar_->root());
  start_ = close();
}

void GrammarStates::begin_operation() {
  work_ = 0;
  states_before_ = states_.size();
  exhausted_ = false;
}

GrammarStates::State GrammarStates::intern_state(std::span<const Item> items, bool accepting) {
  const State state = states_.intern(items, accepting);
  if ((state + 1) * std::size_t{classes_} > transitions_.size()) {
    transitions_.resize((state + 1) * std::size_t{classes_}, state == kDead ? kDead : kUnknown);
  }
  return state;
}

void GrammarStates::add(Item item) {
  ++work_;
  if (seen_.insert((std::uint64_t{item.node} << 32) | item.stack).second) {
    reached_.push_back(item);
  }
}

// What follows from the items behind a byte: jumps, and the ends of rules, which go on in the rules
// that called them.
void GrammarStates::expand_read_items() {
  for (std::size_t at = 0; at < reached_.size() && work_ < kMaxWork; ++at) {
    const Item item = reached_[at];
    for (const Node to : grammar_->jumps(item.node)) add({to, item.stack});
    for (const Grammar::Call called : grammar_->calls(item.node)) call(called, item.stack);
    if (!grammar_->is_end(item.node)) continue;
    for (const Item below : stacks_.items(item.stack)) {
      if (below.node == kFinish) {
        accepting_ = true;
      } else {
        add(below);
      }
    }
  }
}

void GrammarStates::call(Grammar::Call call, Stack stack) {
  auto& callers = called_[call.rule];
  if (callers.empty()) {
    call_queue_.push_back({grammar_->call_order(call.rule), call.rule});
    std::push_heap(call_queue_.begin(), call_queue_.end(), std::greater<>());
  }
  // A call that is the last thing its rule does goes on where the rule's own callers do.
  if (grammar_->is_end(call.back)) {
    const auto below = stacks_.items(stack);
    callers.insert(callers.end(), below.begin(), below.end());
    work_ += below.size();
  } else {
    callers.push_back({call.back, stack});
    ++work_;
  }
}

// Enters each called rule once, callers before callees, so that all of its callers are known. Its
// end is never reached here: a rule that may be empty is jumped over where it is called.
void GrammarStates::enter_rules() {
  while (!call_queue_.empty() && work_ < kMaxWork) {
    std::pop_heap(call_queue_.begin(), call_queue_.end(), std::greater<>());
    const Grammar::Rule rule = call_queue_.back().second;
    call_queue_.pop_back();
    auto callers = std::move(called_[rule]);
    std::sort(callers.begin(), callers.end());
    callers.erase(std::unique(callers.begin(), callers.end()), callers.end());
    const Stack stack = stacks_.intern(callers, false);
    std::size_t at = reached_.size();
    add({grammar_->entry(rule), stack});
    for (; at < reached_.size() && work_ < kMaxWork; ++at) {
      const Node node = reached_[at].node;
      for (const Node to : grammar_->jumps(node)) add({to, stack});
      for (const Grammar::Call called : grammar_->calls(node)) call(called, stack);
    }
  }
}

GrammarStates::State GrammarStates::close() {
  expand_read_items();
  enter_rules();
  std::erase_if(reached_, [&](Item item) { return grammar_->byte_edges(item.node).empty(); });
  std::sort(reached_.begin(), reached_.end());
  exhausted_ = exhausted_ || work_ >= kMaxWork || states_.size() - states_before_ > kMaxNewStates;
  const State state = exhausted_ ? kDead : intern_state(reached_, accepting_);
  reached_.clear();
  seen_.clear();
  called_.clear();
  call_queue_.clear();
  accepting_ = false;
  return state;
}

GrammarStates::State GrammarStates::compute(State state, std::uint8_t byte) {
  if (exhausted_) return kDead;
  for (const Item item : states_.items(state)) {
    for (const Grammar::ByteEdge edge : grammar_->byte_edges(item.node)) {
      if (edge.first <= byte && byte <= edge.last) add({edge.to, item.stack});
    }
  }
  work_ += states_.items(state).size() + 1;
  const State to = reached_.empty() ? kDead : close();
  if (!exhausted_) transitions_[state * std::size_t{classes_} + grammar_->class_of(byte)] = to;
  return to;
}

GrammarStates::State GrammarStates::keep_only(State state) {
  if (state == kDead) return kDead;
  std::vector<bool> used(stacks_.size(), false);
  for (const Item item : states_.items(state)) used[item.stack] = true;
  // A stack is made after the stacks below it.
  for (auto stack = static_cast<Stack>(stacks_.size()); stack-- > 0;) {
    if (!used[stack]) continue;
    for (const Item below : stacks_.items(stack)) used[below.stack] = true;
  }
  GrammarStates fresh(grammar_);
  std::vector<Stack> renamed(stacks_.size(), 0);
  const auto rename = [&](std::span<const Item> items) {
    std::vector<Item> list(items.begin(), items.end());
    for (Item& item : list) item.stack = renamed[item.stack];
    std::sort(list.begin(), list.end());
    return list;
  };
  for (Stack stack = 0; stack < stacks_.size(); ++stack) {
    if (used[stack]) renamed[stack] = fresh.stacks_.intern(rename(stacks_.items(stack)), false);
  }
  const State kept = fresh.intern_state(rename(states_.items(state)), is_accepting(state));
  *this = std::move(fresh);
  return kept;
}

}  // namespace pajamas
