// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/moe.h"

#include <array>
#include <cmath>
#include <vector>

#include "kernels/vector_ops.h"
#include "runtime/blocks/ffn.h"
#include "runtime/blocks/projection.h"

namespace pajamas {
namespace {

struct Routing {
  // By row and choice, the best first.
  std::vector<std::int64_t> experts;
  std::vector<float> weights;
  // Choices sorted by expert.
  std::vector<std::int64_t> first_row;   // of each expert, and the end
  std::vector<std::int64_t> source_row;  // row of x of each sorted row
  std::vector<std::int64_t> sorted_row;  // of each row and choice
};

// The first of the most probable experts that was not chosen yet. Any numbers are safe, NaN too.
std::int64_t best_unused(const float* probabilities, const std::vector<bool>& used) {
  std::int64_t best = -1;
  for (std::size_t expert = 0; expert < used.size(); ++expert) {
    if (used[expert]) continue;
    const bool is_better = best < 0 || probabilities[expert] > probabilities[best];
    if (is_better) best = static_cast<std::int64_t>(expert);
  }
  return best;
}

void choose(const HyperParameters& p, float* probabilities, std::int64_t* experts, float* weights) {
  std::vector<bool> used(static_cast<std::size_t>(p.experts), false);
  float sum = 0;
  for (std::int64_t choice = 0; choice < p.experts_used; ++choice) {
    experts[choice] = best_unused(probabilities, used);
    used[static_cast<std::size_t>(experts[choice])] = true;
    weights[choice] = probabilities[experts[choice]];
    sum += weights[choice];
  }
  if (!p.arch->moe.renormalize) return;
  for (std::int64_t choice = 0; choice < p.experts_used; ++choice) weights[choice] /= sum;
}

void sort_by_expert(const HyperParameters& p, std::int64_t rows, Routing& routing) {
  const auto choices = static_cast<std::size_t>(rows * p.experts_used);
  routing.first_row.assign(static_cast<std::size_t>(p.experts) + 1, 0);
  routing.source_row.resize(choices);
  routing.sorted_row.resize(choices);
  for (const std::int64_t expert : routing.experts) {
    ++routing.first_row[static_cast<std::size_t>(expert) + 1];
  }
  for (std::size_t expert = 0; expert < static_cast<std::size_t>(p.experts); ++expert) {
    routing.first_row[expert + 1] += routing.first_row[expert];
  }
  std::vector<std::int64_t> next(routing.first_row.begin(), routing.first_row.end() - 1);
  for (std::size_t choice = 0; choice < choices; ++choice) {
    const std::int64_t row = next[static_cast<std::size_t>(routing.experts[choice])]++;
    routing.sorted_row[choice] = row;
    routing.source_row[static_cast<std::size_t>(row)] =
        static_cast<std::int64_t>(choice) / p.experts_used;
  }
}

Routing route(ForwardContext& context, const Linear& router, const float* x, std::int64_t rows) {
  const HyperParameters& p = context.parameters;
  float* logits = context.router.get_floats(rows * p.experts);
  project(context, router, x, rows, logits);
  Routing routing;
  routing.experts.resize(static_cast<std::size_t>(rows * p.experts_used));
  routing.weights.resize(routing.experts.size());
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      float* probabilities = logits + row * p.experts;
      softmax(context.kernels, probabilities, p.experts);
      choose(p, probabilities, routing.experts.data() + row * p.experts_used,
             routing.weights.data() + row * p.experts_used);
    }
  });
  sort_by_expert(p, rows, routing);
  return routing;
}

void add_shared_expert(ForwardContext& context, const MoeWeights& weights, const float* x,
                       std::int64_t rows, float* out) {
  const std::int64_t hidden = context.parameters.hidden;
  float* gates = context.router.get_floats(rows);
  project(context, weights.shared_router, x, rows, gates);
  float* shared = context.expert_out.get_floats(rows * hidden);
  gated_ffn(context, weights.shared, x, rows, shared);
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      const float gate = 1.0F / (1.0F + std::exp(-gates[row]));
      scale_by(context.kernels, shared + row * hidden, hidden, gate);
      add_to(context.kernels, out + row * hidden, shared + row * hidden, hidden);
    }
  });
}

}  // namespace

void mixture_of_experts(ForwardContext& context, const MoeWeights& weights, const float* x,
                        std::int64_t rows, float* out) {
  const HyperParameters& p = context.parameters;
  const Routing routing = route(context, weights.router, x, rows);
  const std::int64_t choices = rows * p.experts_used;

  float* gate_up = context.gate_up.get_floats(choices * 2 * p.expert_ffn);
  const std::array<const ExpertLinear*, 2> stacks = {&weights.gate, &weights.up};
  project_experts(context, stacks, x, rows,
                  {.first_row = routing.first_row, .source_row = routing.source_row.data()},
                  gate_up, 2 * p.expert_ffn);
  float* activated = context.activated.get_floats(choices * p.expert_ffn);
  activate(context, gate_up, choices, p.expert_ffn, activated);

  float* expert_out = context.expert_out.get_floats(choices * p.hidden);
  const std::array<const ExpertLinear*, 1> down = {&weights.down};
  project_experts(context, down, activated, choices, {.first_row = routing.first_row}, expert_out,
                  p.hidden);

  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      float* sum = out + row * p.hidden;
      std::fill_n(sum, p.hidden, 0.0F);
      for (std::int64_t choice = 0; choice < p.experts_used; ++choice) {
        const auto at = static_cast<std::size_t>(row * p.experts_used + choice);
        float* part = expert_out + routing.sorted_row[at] * p.hidden;
        scale_by(context.kernels, part, p.hidden, routing.weights[at]);
        add_to(context.kernels, sum, part, p.hidden);
      }
    }
  });
  if (p.arch->moe.shared_expert) add_shared_expert(context, weights, x, rows, out);
}

}  // namespace pajamas
