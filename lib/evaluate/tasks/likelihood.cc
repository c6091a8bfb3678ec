// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/likelihood.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "evaluate/log_softmax.h"
#include "formats/printable.h"

namespace pajamas {
namespace {

// What one pass may hold: more would gain nothing and makes an interruption wait.
constexpr std::size_t kPassTokens = 4096;
constexpr std::size_t kPassRequests = 512;

constexpr auto kPagePositions = static_cast<std::size_t>(kKvPagePositions);

// Blocks of the cache that tokens begin..end take, when what stands before them may be shared.
std::size_t blocks_for(std::size_t begin, std::size_t end) {
  return (end + kPagePositions - 1) / kPagePositions - begin / kPagePositions;
}

}  // namespace

struct LikelihoodScorer::Scored {
  RequestTokens tokens;
  std::vector<double> log_probabilities;  // of each target
  bool is_greedy = true;

  void take_row(std::size_t row, std::span<const float> logits, const Normalizer& normalizer) {
    if (row < tokens.first_row()) return;
    const std::size_t target = row - tokens.first_row();
    const std::int32_t token = tokens.targets[target];
    log_probabilities[target] = normalizer.log_probability(logits[static_cast<std::size_t>(token)]);
    if (normalizer.top != token) is_greedy = false;
  }
};

struct LikelihoodScorer::Pass {
  std::vector<Scored*> requests;
  std::vector<PrefixNode> nodes;

  [[nodiscard]] std::size_t tokens() const {
    std::size_t count = 0;
    for (const PrefixNode& node : nodes) count += node.end - node.begin;
    return count;
  }
  [[nodiscard]] std::size_t blocks() const {
    std::size_t count = 0;
    for (const PrefixNode& node : nodes) count += blocks_for(node.begin, node.end);
    return count;
  }
  [[nodiscard]] TokenSpan text_of(const PrefixNode& node) const {
    return requests[node.first]->tokens.inputs;
  }
  // The first output of the node that a request needs.
  [[nodiscard]] std::size_t first_row(const PrefixNode& node) const {
    std::size_t row = requests[node.first]->tokens.first_row();
    for (std::size_t i = node.first; i < node.last; ++i) {
      row = std::min(row, requests[i]->tokens.first_row());
    }
    return row;
  }
};

LikelihoodScorer::Pass LikelihoodScorer::plan_pass(std::span<Scored* const> requests) {
  const KvPool& pool = trunk_.pool();
  const auto unused = static_cast<std::size_t>(pool.max_blocks() - pool.used_blocks());
  for (std::size_t count = std::min(requests.size(), kPassRequests);; count /= 2) {
    Pass pass{.requests = {requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(count)},
              .nodes = {}};
    const std::vector<TokenSpan> texts = [&] {
      std::vector<TokenSpan> spans;
      for (const Scored* request : pass.requests) spans.emplace_back(request->tokens.inputs);
      return spans;
    }();
    pass.nodes = make_prefix_tree(texts);
    PrefixNode& root = pass.nodes.front();
    root.begin = std::min(
        {common_length(trunk_.tokens(), pass.text_of(root)), root.end, pass.first_row(root)});
    // The trunk gives back what it does not share with this pass.
    const std::size_t returned =
        trunk_.blocks().size() - std::min(trunk_.blocks().size(), root.begin / kPagePositions);
    const bool fits = pass.tokens() <= kPassTokens && pass.blocks() <= unused + returned;
    if (fits || count == 1) return pass;
  }
}

Status LikelihoodScorer::run_level(const Pass& pass, std::size_t first, std::size_t last,
                                   std::span<Sequence* const> sequences,
                                   const CancelToken& cancel) {
  struct Place {
    std::size_t node;
    std::size_t row;
  };
  std::vector<BatchToken> batch;
  std::vector<Place> places;  // of the batch's tokens
  for (std::size_t node = first; node < last; ++node) {
    const PrefixNode& part = pass.nodes[node];
    const TokenSpan text = pass.text_of(part);
    const std::size_t first_row = pass.first_row(part);
    for (std::size_t row = part.begin; row < part.end; ++row) {
      const TokenOutput output = row < first_row ? TokenOutput::kNothing : TokenOutput::kLogits;
      batch.push_back({sequences[node], text[row], output});
      places.push_back({node, row});
    }
  }
  std::optional<Error> problem;
  const OutputSink sink = [&](std::size_t index, std::span<const float> logits) {
    const Result<Normalizer> normalizer = normalize(logits);
    if (!normalizer) {
      problem = normalizer.error();
      return;
    }
    const PrefixNode& part = pass.nodes[places[index].node];
    for (std::size_t i = part.first; i < part.last; ++i) {
      pass.requests[i]->take_row(places[index].row, logits, *normalizer);
    }
  };
  PJ_TRY(engine_.forward(batch, sink, cancel));
  computed_tokens_ += static_cast<std::int64_t>(batch.size());
  if (problem) return std::unexpected(*problem);
  return {};
}

Status LikelihoodScorer::run_pass(const Pass& pass, const CancelToken& cancel) {
  const std::vector<PrefixNode>& nodes = pass.nodes;
  trunk_.truncate(static_cast<std::int64_t>(nodes.front().begin));
  std::vector<Sequence> forks;  // of the nodes behind the root; their addresses stay
  forks.reserve(nodes.size());
  std::vector<Sequence*> sequences = {&trunk_};
  PJ_TRY(run_level(pass, 0, 1, sequences, cancel));
  std::size_t parents = 0;  // where the level above begins
  for (std::size_t first = 1; first < nodes.size();) {
    std::size_t last = first;
    for (; last < nodes.size() && nodes[last].level == nodes[first].level; ++last) {
      const PrefixNode& node = nodes[last];
      forks.push_back(PJ_TRY(sequences[node.parent]->fork(static_cast<std::int64_t>(node.begin))));
      sequences.push_back(&forks.back());
    }
    PJ_TRY(run_level(pass, first, last, sequences, cancel));
    for (std::size_t node = std::max<std::size_t>(parents, 1); node < first; ++node) {
      sequences[node]->truncate(0);
    }
    parents = first;
    first = last;
  }
  return {};
}

Result<std::vector<Likelihood>> LikelihoodScorer::score(std::span<const LikelihoodRequest> requests,
                                                        const CancelToken& cancel) {
  std::vector<Scored> scored;
  for (const LikelihoodRequest& request : requests) {
    RequestTokens tokens = PJ_TRY(encode_request(text_.tokenizer(), request, engine_.context()));
    const std::size_t targets = tokens.targets.size();
    scored.push_back(
        {.tokens = std::move(tokens), .log_probabilities = std::vector<double>(targets)});
  }
  std::vector<Scored*> order;
  for (Scored& request : scored) order.push_back(&request);
  std::ranges::stable_sort(order, std::ranges::lexicographical_compare,
                           [](const Scored* request) -> const std::vector<std::int32_t>& {
                             return request->tokens.inputs;
                           });
  for (std::span<Scored* const> rest(order); !rest.empty();) {
    const Pass pass = plan_pass(rest);
    PJ_TRY(run_pass(pass, cancel));
    rest = rest.subspan(pass.requests.size());
  }
  std::vector<Likelihood> results;
  for (const Scored& request : scored) {
    const std::vector<double>& parts = request.log_probabilities;
    results.push_back({.log_probability = std::accumulate(parts.begin(), parts.end(), 0.0),
                       .is_greedy = request.is_greedy,
                       .tokens = static_cast<std::int64_t>(parts.size())});
  }
  return results;
}

}  // namespace pajamas
