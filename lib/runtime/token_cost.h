// SPDX-License-Identifier: Apache-2.0
// What one token costs: the weights that take part in it.
#pragma once

#include <cstdint>

#include "runtime/hyper_parameters.h"
#include "runtime/weights.h"

namespace pajamas {

struct TokenCost {
  // Weights that every token of a prompt is multiplied with: all layers (of a mixture as many
  // experts as are used), not the output head, which works for the last token alone.
  std::int64_t layer_params = 0;
  // Bytes read to generate a token, the output head included.
  std::uint64_t weight_bytes = 0;
};

TokenCost cost_of_token(const HyperParameters& parameters, const Weights& weights);

}  // namespace pajamas
