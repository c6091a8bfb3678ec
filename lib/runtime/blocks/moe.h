// SPDX-License-Identifier: Apache-2.0
// A mixture of experts: the router picks a few experts for each token, their outputs are summed
// with the router's weights, and a shared expert may be added.
//
// A token's result does not depend on the other tokens: its experts are summed in the order of
// their weights.
#pragma once

#include <cstdint>

#include "runtime/blocks/forward_context.h"
#include "runtime/weights.h"

namespace pajamas {

// x, out: rows x hidden.
void mixture_of_experts(ForwardContext& context, const MoeWeights& weights, const float* x,
                        std::int64_t rows, float* out);

}  // namespace pajamas
