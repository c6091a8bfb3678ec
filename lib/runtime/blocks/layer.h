// SPDX-License-Identifier: Apache-2.0
// One layer of the model: attention and FFN with the norms where the spec puts them, each added to
// the residual stream.
#pragma once

#include <cstdint>

#include "runtime/blocks/forward_context.h"
#include "runtime/weights.h"

namespace pajamas {

// x: the residual stream, rows x hidden, changed in place.
void attention_half(ForwardContext& context, const LayerWeights& weights, std::int64_t layer,
                    const MicroBatch& batch, float* x);
void ffn_half(ForwardContext& context, const LayerWeights& weights, std::int64_t rows, float* x);

// out = the norm of each row of x.
void norm_rows(ForwardContext& context, const std::vector<float>& weight, const float* x,
               std::int64_t rows, float* out);

}  // namespace pajamas
