// SPDX-License-Identifier: Apache-2.0
// The members of a request that say how its answer is chosen; the same for all endpoints that
// generate. Names are those of the OpenAI API and, beyond it, of llama.cpp's server.
#pragma once

#include <string>
#include <vector>

#include "sampling/sampler_options.h"
#include "serve/api/request_fields.h"
#include "serve/served_model.h"

namespace pajamas {

inline constexpr std::int64_t kMaxChoices = 8;
inline constexpr std::int64_t kMaxTopLogprobs = 20;

struct SamplingFields {
  SamplerOptions options{};
  std::vector<std::string> stop{};
  std::int64_t max_tokens = 0;  // 0: as many as fit
  std::int64_t choices = 1;     // n
  bool ignore_end = false;
};

// `info`: for the range of token ids. Leaves top_logprobs alone, which endpoints name differently.
ApiResult<SamplingFields> read_sampling_fields(const RequestFields& fields,
                                               const ServedModelInfo& info);

}  // namespace pajamas
