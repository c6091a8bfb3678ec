// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding: how fast each pair of a head turns, and its angles at positions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/blocks/forward_context.h"
#include "runtime/hyper_parameters.h"

namespace pajamas {

struct RopeFrequencies {
  std::vector<double> radians;  // per position, one per pair
  double magnitude = 1.0;       // cosines and sines are multiplied by it
};

// divisors: of the frequencies, one per pair, or empty.
RopeFrequencies make_rope_frequencies(const RopeParameters& rope, std::span<const float> divisors);

// Angles of all rows of the micro-batch. out: 2 x rows x pairs floats.
RopeAngles compute_angles(ForwardContext& context, const RopeFrequencies& frequencies,
                          std::span<const std::int64_t> positions, float* out);

}  // namespace pajamas
