// SPDX-License-Identifier: Apache-2.0
// Rotary embedding as config.json describes it, in the forms that have been in use: rope_theta with
// rope_scaling, and rope_parameters with or without one part per kind of layer.
#pragma once

#include <cstdint>
#include <vector>

#include "archs/config_view.h"
#include "archs/model_config.h"
#include "base/error.h"

namespace pajamas {

// `model` has its sizes filled in already.
Result<RopeConfig> parse_rope_config(const ConfigView& config, const ModelConfig& model);

// Dimensions of a head that are rotated.
std::int64_t rotated_dims(const ModelConfig& model);

// llama3 scaling as divisors of the frequencies, one per rotated pair (rope_freqs.weight).
std::vector<float> llama3_rope_factors(const ModelConfig& model);

// What longrope and yarn multiply attention logits with when the context grew.
double long_context_attention_factor(const ModelConfig& model);

}  // namespace pajamas
