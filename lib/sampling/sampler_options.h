// SPDX-License-Identifier: Apache-2.0
// How a token is chosen: the options of the field, under their usual names (docs/sampling.md).
//
// Plain data. check_sampler_options names the option that is out of its range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace pajamas {

struct LogitBias {
  std::int32_t id = 0;
  float bias = 0.0F;  // -infinity: the token is never chosen
};

struct PenaltyOptions {
  std::int32_t last_n = 64;  // tokens looked back at; 0: none, -1: all
  float repeat = 1.0F;       // divides positive logits, multiplies negative ones; 1: off
  float frequency = 0.0F;    // subtracted once per occurrence
  float presence = 0.0F;     // subtracted once
};

// "Don't repeat yourself": tokens that would go on with a repetition of earlier text.
struct DryOptions {
  float multiplier = 0.0F;  // 0: off
  float base = 1.75F;       // the penalty is multiplier * base^(repeated tokens - allowed_length)
  std::int32_t allowed_length = 2;
  std::int32_t last_n = -1;  // tokens looked back at; 0: none, -1: all
  // A repetition does not reach over these.
  std::vector<std::string> sequence_breakers = {"\n", ":", "\"", "*"};
};

// "Exclude top choices": drops all but the last of the candidates over a threshold.
struct XtcOptions {
  float probability = 0.0F;  // of doing it at all; 0: off
  float threshold = 0.1F;    // over 0.5: off
};

// Keeps the surprise of the text near tau; replaces the truncations when on.
struct MirostatOptions {
  bool enabled = false;  // version 2
  float tau = 5.0F;      // bits
  float eta = 0.1F;
};

struct SamplerOptions {
  float temperature = 0.8F;   // 0: always the likeliest token, of equal ones the lowest id
  std::int32_t top_k = 40;    // 0: off
  float top_p = 0.95F;        // 1: off
  float min_p = 0.05F;        // 0: off
  float typical_p = 1.0F;     // 1: off
  std::int32_t min_keep = 0;  // candidates that top_p, min_p, typical_p and xtc leave at least
  PenaltyOptions penalties{};
  DryOptions dry{};
  XtcOptions xtc{};
  MirostatOptions mirostat{};
  std::vector<LogitBias> logit_bias{};  // several for one id add up
  std::optional<std::uint64_t> seed{};  // nothing: a new one each time, see Sampler::seed
  // Log probabilities of this many likeliest tokens beside the chosen one's; nothing: none at all,
  // which saves a pass over the vocabulary.
  std::optional<std::int32_t> top_logprobs{};
};

Status check_sampler_options(const SamplerOptions& options, std::size_t vocabulary_size);

}  // namespace pajamas
