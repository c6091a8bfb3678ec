// SPDX-License-Identifier: Apache-2.0
// The facts about a model that people ask for first, from its map: sizes and parameter counts.
#pragma once

#include <cstdint>
#include <string_view>

#include "archs/gguf_map.h"

namespace pajamas {

struct ModelSummary {
  std::string_view family;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t ffn = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t context_length = 0;
  std::int64_t experts = 0;  // zero: a dense model
  std::int64_t experts_used = 0;
  bool tied = false;  // the output head is the embedding
  // Learned numbers; a tied head is counted once, computed tensors (rope factors) not at all.
  std::int64_t params_total = 0;
  std::int64_t params_non_embedding = 0;  // without embedding and output head
};

ModelSummary summarize_model(const GgufMap& map);

}  // namespace pajamas
