// SPDX-License-Identifier: Apache-2.0
#include "runtime/token_cost.h"

#include <span>

namespace pajamas {
namespace {

void add(const PackedMatrix& matrix, std::int64_t times, TokenCost& cost) {
  if (matrix.data == nullptr) return;
  cost.layer_params += times * matrix.rows * matrix.cols;
  cost.weight_bytes += static_cast<std::uint64_t>(times) *
                       packed_bytes(matrix.table, matrix.type, matrix.rows, matrix.cols);
}

void add(std::span<const Linear> linears, TokenCost& cost) {
  for (const Linear& linear : linears) add(linear.matrix, 1, cost);
}

void add(const ExpertLinear& experts, std::int64_t used, TokenCost& cost) {
  if (!experts.experts.empty()) add(experts.experts.front(), used, cost);
}

void add(const FfnWeights& ffn, TokenCost& cost) {
  add(ffn.gate_up, cost);
  add(ffn.down.matrix, 1, cost);
}

}  // namespace

TokenCost cost_of_token(const HyperParameters& parameters, const Weights& weights) {
  TokenCost cost;
  for (const LayerWeights& layer : weights.layers) {
    add(layer.attention.qkv, cost);
    add(layer.attention.output.matrix, 1, cost);
    add(layer.ffn, cost);
    const MoeWeights& moe = layer.moe;
    for (const Linear* linear : {&moe.router, &moe.shared_router}) add(linear->matrix, 1, cost);
    for (const ExpertLinear* experts : {&moe.gate, &moe.up, &moe.down}) {
      add(*experts, parameters.experts_used, cost);
    }
    add(moe.shared, cost);
  }
  const PackedMatrix& head = weights.output.matrix;
  if (head.data != nullptr) {
    cost.weight_bytes += packed_bytes(head.table, head.type, head.rows, head.cols);
  }
  return cost;
}

}  // namespace pajamas
