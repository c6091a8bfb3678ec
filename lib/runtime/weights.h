// SPDX-License-Identifier: Apache-2.0
// All weights of a model in memory, packed for this machine, one copy.
//
// load_weights() checks every tensor against the family's table and the hyper-parameters before it
// reads any, then packs in parallel straight from the file. Read-only after that; may be used from
// many threads. Owns the memory that Linears point into.
#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/memory_pages.h"
#include "base/progress.h"
#include "kernels/kernel_table.h"
#include "models/opened_model.h"
#include "runtime/hyper_parameters.h"
#include "runtime/linear.h"

namespace pajamas {

// Norm weights are empty where the family has none.
struct AttentionWeights {
  std::vector<float> norm;
  std::vector<float> post_norm;
  std::vector<float> query_norm;
  std::vector<float> key_norm;
  std::vector<Linear> qkv;  // all three in one, or query, key, value
  Linear output;
};

struct FfnWeights {
  std::vector<Linear> gate_up;  // both in one, or gate, up
  Linear down;
};

struct MoeWeights {
  Linear router;
  ExpertLinear gate;
  ExpertLinear up;
  ExpertLinear down;
  FfnWeights shared;
  Linear shared_router;  // one row
};

struct LayerWeights {
  AttentionWeights attention;
  std::vector<float> ffn_norm;
  std::vector<float> ffn_post_norm;
  FfnWeights ffn;  // of dense layers
  MoeWeights moe;
};

// Rows of the embedding as they are stored, or the packed output head when that is the embedding.
struct Embedding {
  WeightType type = DType::kF32;
  std::int64_t cols = 0;
  const std::byte* rows = nullptr;  // nullptr: read from the head
};

struct Weights {
  Embedding embedding;
  Linear output;
  std::vector<float> output_norm;
  // Divisors of the rotary frequencies, one per rotated pair, or empty.
  std::vector<float> rope_factors;
  std::vector<float> rope_factors_long;
  std::vector<float> rope_factors_short;
  std::vector<LayerWeights> layers;

  MemoryPages memory;  // everything above points into it
  std::vector<std::string> warnings;
};

struct LoadOptions {
  const KernelTable* kernels = nullptr;  // nullptr: the selected one
  int threads = 0;                       // 0: one per CPU
  // Memory that may be used, beside what the weights take, and in all. An error says both.
  std::uint64_t extra_bytes = 0;
  std::uint64_t limit_bytes = 0;
};

Result<Weights> load_weights(const OpenedModel& model, const HyperParameters& parameters,
                             const LoadOptions& options, const CancelToken& cancel,
                             Progress& progress);

}  // namespace pajamas
