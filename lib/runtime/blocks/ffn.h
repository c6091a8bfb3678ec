// SPDX-License-Identifier: Apache-2.0
// The gated feed-forward network of one layer.
#pragma once

#include <cstdint>

#include "runtime/blocks/forward_context.h"
#include "runtime/weights.h"

namespace pajamas {

// out = down(act(gate(x)) * up(x)). x, out: rows x hidden.
void gated_ffn(ForwardContext& context, const FfnWeights& weights, const float* x,
               std::int64_t rows, float* out);

// act(gate) * up of rows that hold gate and up side by side, `width` each.
void activate(ForwardContext& context, const float* gate_up, std::int64_t rows, std::int64_t width,
              float* out);

}  // namespace pajamas
