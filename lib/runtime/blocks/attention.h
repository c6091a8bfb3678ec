// SPDX-License-Identifier: Apache-2.0
// Attention of one layer, from the spec: projections, QK norms, rotation, the KV cache, windows and
// soft caps.
#pragma once

#include <cstdint>

#include "runtime/blocks/forward_context.h"
#include "runtime/weights.h"

namespace pajamas {

// Stores keys and values of the micro-batch in the cache and writes the layer's attention output
// (before any norm) to `out`. x: rows x hidden, after the norm that comes before.
void attention(ForwardContext& context, const AttentionWeights& weights, std::int64_t layer,
               const MicroBatch& batch, const float* x, float* out);

}  // namespace pajamas
