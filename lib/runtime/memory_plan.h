// SPDX-License-Identifier: Apache-2.0
// How a model is fitted into the memory that it may use: whether all layers stay there, and how
// many tokens have room. Pure arithmetic.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "runtime/weights.h"

namespace pajamas {

enum class LayerStreaming : std::uint8_t {
  kOff,   // all weights in memory
  kOn,    // a layer's weights are read when the forward pass reaches it
  kAuto,  // where all weights together do not fit
};

struct MemoryNeeds {
  WeightSizes weights;
  std::uint64_t scratch_bytes = 0;
  std::uint64_t cache_block_bytes = 0;  // of kKvPagePositions
  std::uint64_t pass_token_bytes = 0;   // of a token of a pass, beside the cache
  std::int64_t micro_batch = 0;
  std::int64_t context = 0;
  std::int64_t cache_positions = 0;  // as in EngineOptions
  bool has_cache_of_one_call = false;
  LayerStreaming streaming = LayerStreaming::kOff;
  std::uint64_t limit_bytes = 0;
};

struct MemoryPlan {
  int layer_buffers = 0;             // 0: all layers stay in memory
  std::int64_t cache_positions = 0;  // at least the context
  std::int64_t pass_tokens = 0;      // tokens that go through all layers together
  std::uint64_t total_bytes = 0;
};

// kNoSpace when the model does not fit; the message names `path` and what takes how much.
Result<MemoryPlan> plan_memory(const MemoryNeeds& needs, std::string_view path);

}  // namespace pajamas
