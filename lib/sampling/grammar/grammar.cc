// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/grammar.h"

#include <algorithm>
#include <bitset>
#include <utility>

namespace pajamas {

// Turns rules into nodes and edges, then learns what needs all of them: which rules may be empty,
// and in which order they call each other.
class GrammarCompiler {
 public:
  GrammarCompiler(const GrammarRules& source, const GrammarLimits& limits)
      : source_(source), limits_(limits) {}

  Result<std::shared_ptr<const Grammar>> compile() {
    const std::size_t rule_count = source_.rules.size();
    for (std::size_t rule = 0; rule < rule_count; ++rule) {
      entries_.push_back(new_node());
      ends_.push_back(new_node());
    }
    for (std::size_t rule = 0; rule < rule_count; ++rule) {
      for (const auto& alternate : source_.rules[rule].alternates) {
        PJ_TRY(add_alternate(alternate, entries_[rule], ends_[rule]));
      }
    }
    find_empty_starts();
    PJ_TRY(order_calls());
    return finish();
  }

 private:
  using Node = Grammar::Node;
  using Rule = Grammar::Rule;
  template <typename Edge>
  struct From {
    Node from = 0;
    Edge edge{};
  };

  Node new_node() { return node_count_++; }

  [[nodiscard]] Status check_size() const {
    if (node_count_ + byte_edges_.size() <= limits_.max_nodes) return {};
    return make_error(ErrorCode::kInvalidData,
                      "grammar: more than {} states, expected fewer or smaller repetitions",
                      limits_.max_nodes);
  }

  Status add_alternate(const std::vector<GrammarElement>& sequence, Node from, Node to) {
    if (sequence.empty()) jumps_.push_back({from, to});
    for (std::size_t at = 0; at < sequence.size(); ++at) {
      const Node next = at + 1 == sequence.size() ? to : new_node();
      PJ_TRY(add_repeated(sequence[at], from, next));
      from = next;
    }
    return {};
  }

  Status add_repeated(const GrammarElement& element, Node from, Node to) {
    const bool is_unbounded = element.max_times == kUnbounded;
    const std::uint32_t copies = is_unbounded ? element.min_times : element.max_times;
    for (std::uint32_t copy = 0; copy < copies; ++copy) {
      const bool is_last = !is_unbounded && copy + 1 == copies;
      const Node next = is_last ? to : new_node();
      if (copy >= element.min_times) jumps_.push_back({from, to});
      PJ_TRY(add_once(element, from, next));
      from = next;
    }
    if (is_unbounded) {
      const Node loop = new_node();  // `from` may have other edges that must not be repeated
      jumps_.push_back({from, loop});
      jumps_.push_back({loop, to});
      PJ_TRY(add_once(element, loop, loop));
    } else if (copies == 0) {
      jumps_.push_back({from, to});
    }
    return {};
  }

  Status add_once(const GrammarElement& element, Node from, Node to) {
    switch (element.kind) {
      case GrammarElement::Kind::kRule:
        calls_.push_back({from, {element.index, to}});
        break;
      case GrammarElement::Kind::kText:
        add_text(element.text, from, to);
        break;
      case GrammarElement::Kind::kSet:
        for (const ByteSequence& sequence : utf8_sequences(source_.sets[element.index])) {
          add_sequence(sequence, from, to);
        }
        tails_.clear();
        break;
    }
    return check_size();
  }

  void add_text(std::string_view text, Node from, Node to) {
    if (text.empty()) jumps_.push_back({from, to});
    for (std::size_t at = 0; at < text.size(); ++at) {
      const Node next = at + 1 == text.size() ? to : new_node();
      const auto byte = static_cast<std::uint8_t>(text[at]);
      byte_edges_.push_back({from, {byte, byte, next}});
      from = next;
    }
  }

  // Sequences of one set that end in the same bytes share their nodes: most end in any one, two or
  // three continuation bytes.
  void add_sequence(const ByteSequence& sequence, Node from, Node to) {
    Node next = to;
    for (std::size_t at = sequence.bytes; at-- > 1;) {
      const auto range = sequence.ranges[at];
      const auto shared = std::find_if(tails_.begin(), tails_.end(), [&](const Tail& tail) {
        return tail.range == range && tail.to == next;
      });
      if (shared != tails_.end()) {
        next = shared->node;
        continue;
      }
      const Node node = new_node();
      byte_edges_.push_back({node, {range.first, range.last, next}});
      tails_.push_back({range, next, node});
      next = node;
    }
    byte_edges_.push_back({from, {sequence.ranges[0].first, sequence.ranges[0].last, next}});
  }

  // Counting sort of edges by the node they leave.
  template <typename Edge>
  void index_edges(const std::vector<From<Edge>>& list, std::vector<Edge>& edges,
                   std::vector<std::uint32_t>& offsets) const {
    offsets.assign(node_count_ + 1, 0);
    for (const auto& [from, edge] : list) ++offsets[from + 1];
    for (std::size_t node = 0; node < node_count_; ++node) offsets[node + 1] += offsets[node];
    std::vector<std::uint32_t> next(offsets.begin(), offsets.end() - 1);
    edges.resize(list.size());
    for (const auto& [from, edge] : list) edges[next[from]++] = edge;
  }

  // Marks the nodes that a rule reaches before it reads a byte, which tells the rules that may be
  // empty. A call goes on behind itself once its rule is known to be one; until then it waits.
  void find_empty_starts() {
    Grammar& made = *made_;
    index_edges(jumps_, made.jumps_, made.jump_offsets_);
    index_edges(calls_, made.calls_, made.call_offsets_);
    const std::size_t rule_count = entries_.size();
    made.nullable_.assign(rule_count, false);
    starts_.assign(node_count_, false);
    std::vector<Rule> rule_of_end(node_count_, kNoRule);
    for (Rule rule = 0; rule < rule_count; ++rule) rule_of_end[ends_[rule]] = rule;
    std::vector<std::vector<Node>> waiting(rule_count);
    std::vector<Node> work;
    const auto reach = [&](Node node) {
      if (starts_[node]) return;
      starts_[node] = true;
      work.push_back(node);
    };
    for (const Node entry : entries_) reach(entry);
    while (!work.empty()) {
      const Node node = work.back();
      work.pop_back();
      for (const Node to : made.jumps(node)) reach(to);
      for (const Grammar::Call call : made.calls(node)) {
        if (made.nullable_[call.rule]) {
          reach(call.back);
        } else {
          waiting[call.rule].push_back(call.back);
        }
      }
      if (const Rule rule = rule_of_end[node]; rule != kNoRule) {
        made.nullable_[rule] = true;
        for (const Node back : waiting[rule]) reach(back);
        waiting[rule].clear();
      }
    }
  }

  // The edges that leave a rule's start nodes: depth-first from each rule, without recursion.
  Status order_calls() {
    const std::size_t rule_count = entries_.size();
    std::vector<std::vector<Rule>> first_calls(rule_count);
    std::vector<Node> work;
    std::vector<bool> seen(node_count_, false);  // nodes belong to one rule each
    for (Rule rule = 0; rule < rule_count; ++rule) {
      work.assign({entries_[rule]});
      seen[entries_[rule]] = true;
      while (!work.empty()) {
        const Node node = work.back();
        work.pop_back();
        const auto reach = [&](Node to) {
          if (!seen[to]) work.push_back(to);
          seen[to] = true;
        };
        for (const Node to : made_->jumps(node)) reach(to);
        for (const Grammar::Call call : made_->calls(node)) {
          first_calls[rule].push_back(call.rule);
          if (made_->nullable_[call.rule]) reach(call.back);
        }
      }
    }
    return sort_rules(first_calls);
  }

  Status sort_rules(const std::vector<std::vector<Rule>>& first_calls) {
    const std::size_t rule_count = entries_.size();
    enum class Mark : std::uint8_t { kNew, kOpen, kDone };
    std::vector<Mark> marks(rule_count, Mark::kNew);
    std::vector<std::pair<Rule, std::size_t>> path;  // rule, its next call
    made_->call_order_.assign(rule_count, 0);
    auto next_order = static_cast<std::uint32_t>(rule_count);
    for (Rule start = 0; start < rule_count; ++start) {
      if (marks[start] != Mark::kNew) continue;
      path.push_back({start, 0});
      marks[start] = Mark::kOpen;
      while (!path.empty()) {
        auto& [rule, next_call] = path.back();
        if (next_call == first_calls[rule].size()) {
          marks[rule] = Mark::kDone;
          made_->call_order_[rule] = --next_order;
          path.pop_back();
          continue;
        }
        const Rule callee = first_calls[rule][next_call++];
        if (marks[callee] == Mark::kOpen) return left_recursion(callee, rule);
        if (marks[callee] == Mark::kNew) {
          marks[callee] = Mark::kOpen;
          path.push_back({callee, 0});
        }
      }
    }
    return {};
  }

  [[nodiscard]] Status left_recursion(Rule first, Rule last) const {
    return make_error(ErrorCode::kInvalidData,
                      "grammar: left recursion, '{}' can begin with itself (through '{}'); write "
                      "the recursion behind some text, or as a repetition",
                      source_.rules[first].name, source_.rules[last].name);
  }

  std::shared_ptr<const Grammar> finish() {
    Grammar& made = *made_;
    made.root_ = source_.root;
    made.entries_ = entries_;
    made.is_end_.assign(node_count_, false);
    for (const Node end : ends_) made.is_end_[end] = true;
    for (const auto& [from, call] : calls_) {
      if (made.nullable_[call.rule]) jumps_.push_back({from, call.back});
    }
    index_edges(jumps_, made.jumps_, made.jump_offsets_);
    index_edges(byte_edges_, made.byte_edges_, made.byte_offsets_);
    classify_bytes();
    return std::move(made_);
  }

  void classify_bytes() {
    std::bitset<257> begins;
    begins[0] = true;
    for (const auto& [from, edge] : byte_edges_) {
      begins[edge.first] = true;
      begins[std::size_t{edge.last} + 1] = true;
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (begins[byte]) {
        made_->byte_of_class_[made_->byte_classes_] = static_cast<std::uint8_t>(byte);
        ++made_->byte_classes_;
      }
      made_->class_of_[byte] = static_cast<std::uint8_t>(made_->byte_classes_ - 1);
    }
  }

  static constexpr Rule kNoRule = UINT32_MAX;
  struct Tail {
    ByteSequence::Range range;
    Node to = 0;
    Node node = 0;
  };

  const GrammarRules& source_;
  const GrammarLimits& limits_;
  std::shared_ptr<Grammar> made_ = std::make_shared<Grammar>();
  Node node_count_ = 0;
  std::vector<Node> entries_;
  std::vector<Node> ends_;
  std::vector<From<Grammar::ByteEdge>> byte_edges_;
  std::vector<From<Node>> jumps_;
  std::vector<From<Grammar::Call>> calls_;
  std::vector<Tail> tails_;
  std::vector<bool> starts_;  // by node: reached before its rule reads a byte
};

Result<std::shared_ptr<const Grammar>> Grammar::parse(std::string_view gbnf,
                                                      const GrammarLimits& limits) {
  const GrammarRules rules = PJ_TRY(parse_gbnf(gbnf, limits));
  return GrammarCompiler(rules, limits).compile();
}

}  // namespace pajamas
