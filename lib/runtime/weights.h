// SPDX-License-Identifier: Apache-2.0
// The weights of a model, packed for this machine: all in memory, one copy, or a layer at a time.
//
// WeightLoader checks every tensor against the family's table and the hyper-parameters before it
// reads any, says how much memory they take, then packs in parallel straight from the file.
// Read-only after that; may be used from many threads, but for what Weights::stream brings. Owns
// the memory that Linears point into.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/memory_pages.h"
#include "base/progress.h"
#include "kernels/kernel_table.h"
#include "models/opened_model.h"
#include "runtime/hyper_parameters.h"
#include "runtime/layer_stream.h"
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

  MemoryPages memory;  // everything above points into it, or into the stream's
  // Where the matrices of `layers` are brought from: those of the layer that it holds can be used.
  // nullptr: all are in memory.
  std::unique_ptr<LayerStream> stream;
  std::vector<std::string> warnings;

  [[nodiscard]] std::uint64_t memory_bytes() const {
    return memory.bytes().size() + (stream == nullptr ? 0 : stream->memory_bytes());
  }
};

// Bytes of packed matrices.
struct WeightSizes {
  std::uint64_t outside_layers = 0;
  std::uint64_t all_layers = 0;
  std::uint64_t largest_layer = 0;

  [[nodiscard]] std::uint64_t resident() const { return outside_layers + all_layers; }
  [[nodiscard]] std::uint64_t streamed(int layer_buffers) const {
    return outside_layers + static_cast<std::uint64_t>(layer_buffers) * largest_layer;
  }
};

// The model and the kernels (nullptr: the selected ones) must outlive the loader, and the weights
// where they are streamed.
class WeightLoader {
 public:
  static Result<WeightLoader> plan(const OpenedModel& model, const HyperParameters& parameters,
                                   const KernelTable* kernels);
  WeightLoader(WeightLoader&&) noexcept;
  ~WeightLoader();

  [[nodiscard]] const WeightSizes& sizes() const;
  // Once. threads 0: one per CPU.
  Result<Weights> load(int threads, const CancelToken& cancel, Progress& progress);
  // Once, instead: what is outside the layers now, layers when they are needed. layer_buffers: 1,
  // or 2 to read ahead.
  Result<Weights> load_streamed(int layer_buffers, int threads, const CancelToken& cancel,
                                Progress& progress);

 private:
  struct State;
  explicit WeightLoader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace pajamas
