// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_plan.h"

#include <algorithm>
#include <array>

#include "base/human_units.h"
#include "kernels/attention.h"

namespace pajamas {
namespace {

// Beyond this many, reading a layer takes no time to speak of beside computing it.
constexpr std::int64_t kMostPassTokens = 32768;

std::int64_t pages_for(std::int64_t positions) {
  return (positions + kKvPagePositions - 1) / kKvPagePositions;
}

std::uint64_t weight_bytes(const MemoryNeeds& needs, int layer_buffers) {
  return layer_buffers == 0 ? needs.weights.resident() : needs.weights.streamed(layer_buffers);
}

bool has_long_passes(const MemoryNeeds& needs, int layer_buffers) {
  return needs.has_cache_of_one_call || layer_buffers > 0;
}

// For so many cache positions.
std::uint64_t context_bytes(const MemoryNeeds& needs, int layer_buffers, std::int64_t positions) {
  const auto blocks = static_cast<std::uint64_t>(pages_for(positions));
  const std::uint64_t cache = blocks * needs.cache_block_bytes;
  const std::uint64_t pass = has_long_passes(needs, layer_buffers)
                                 ? blocks * kKvPagePositions * needs.pass_token_bytes
                                 : 0;
  return cache + pass + needs.scratch_bytes;
}

MemoryPlan plan_with(const MemoryNeeds& needs, int layer_buffers) {
  const std::int64_t least = std::max(needs.cache_positions, needs.context);
  std::int64_t positions = least;
  const std::uint64_t weights = weight_bytes(needs, layer_buffers);
  if (needs.has_cache_of_one_call && needs.cache_positions == 0) {
    const std::uint64_t taken = weights + context_bytes(needs, layer_buffers, 0);
    const std::uint64_t left = needs.limit_bytes - std::min(taken, needs.limit_bytes);
    const std::uint64_t of_block =
        needs.cache_block_bytes + kKvPagePositions * needs.pass_token_bytes;
    const std::uint64_t most = static_cast<std::uint64_t>(pages_for(kMostPassTokens));
    const std::uint64_t blocks = std::min(most, left / std::max<std::uint64_t>(1, of_block));
    positions = std::max(least, static_cast<std::int64_t>(blocks) * kKvPagePositions);
  }
  positions = pages_for(positions) * kKvPagePositions;
  return {.layer_buffers = layer_buffers,
          .cache_positions = positions,
          .pass_tokens = has_long_passes(needs, layer_buffers) ? positions : needs.micro_batch,
          .total_bytes = weights + context_bytes(needs, layer_buffers, positions)};
}

}  // namespace

Result<MemoryPlan> plan_memory(const MemoryNeeds& needs, std::string_view path) {
  // Two buffers let a layer be read while another is computed.
  constexpr std::array kBuffers = {0, 2, 1};
  MemoryPlan plan;
  for (const int buffers : kBuffers) {
    const bool is_allowed = buffers == 0 ? needs.streaming != LayerStreaming::kOn
                                         : needs.streaming != LayerStreaming::kOff;
    if (!is_allowed) continue;
    plan = plan_with(needs, buffers);
    if (plan.total_bytes <= needs.limit_bytes) return plan;
  }
  const std::uint64_t weights = weight_bytes(needs, plan.layer_buffers);
  const std::string total = format_bytes(plan.total_bytes);
  const std::string context = format_bytes(plan.total_bytes - weights);
  const std::string limit = format_bytes(needs.limit_bytes);
  if (plan.layer_buffers == 0) {
    return make_error(
        ErrorCode::kNoSpace,
        "'{}' needs {} of memory ({} for weights, {} for the context), but only {} "
        "can be used; take a file of fewer bits per weight, or make --context smaller",
        path, total, format_bytes(weights), context, limit);
  }
  return make_error(
      ErrorCode::kNoSpace,
      "'{}' needs {} of memory even layer by layer ({} for the largest layer, {} for embedding and "
      "output, {} for {} tokens that go through a layer together), but only {} can be used; allow "
      "more, or give fewer tokens at once",
      path, total, format_bytes(needs.weights.largest_layer),
      format_bytes(needs.weights.outside_layers), context, plan.pass_tokens, limit);
}

}  // namespace pajamas
