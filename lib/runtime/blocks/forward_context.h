// SPDX-License-Identifier: Apache-2.0
// What the blocks of the graph share during one forward pass: the model's numbers, the threads, and
// scratch memory that grows to what a pass needs and stays.
//
// Used by one forward pass at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention.h"
#include "kernels/kernel_table.h"
#include "kernels/matmul.h"
#include "runtime/hyper_parameters.h"
#include "runtime/linear.h"
#include "runtime/sequence.h"
#include "runtime/worker_team.h"

namespace pajamas {

// Uninitialized scratch on kMatmulAlignment.
class ScratchBytes {
 public:
  // At least `bytes`; what was there is lost.
  std::byte* get(std::uint64_t bytes) {
    if (storage_.size() < bytes + kMatmulAlignment) storage_.resize(bytes + kMatmulAlignment);
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
    return storage_.data() + (kMatmulAlignment - address % kMatmulAlignment) % kMatmulAlignment;
  }
  float* get_floats(std::int64_t count) {
    return reinterpret_cast<float*>(get(static_cast<std::uint64_t>(count) * sizeof(float)));
  }

 private:
  std::vector<std::byte> storage_;
};

// Rows of one sequence that follow each other in a micro-batch, and in the sequence.
struct TokenRun {
  const Sequence* sequence = nullptr;
  std::int64_t first_row = 0;
  std::int64_t count = 0;
};

struct MicroBatch {
  std::span<const std::int32_t> tokens;
  std::vector<std::int64_t> positions;     // one per token
  std::vector<const Sequence*> sequences;  // one per token
  std::vector<TokenRun> runs;

  [[nodiscard]] const Sequence& sequence_of(std::int64_t row) const {
    return *sequences[static_cast<std::size_t>(row)];
  }
  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(tokens.size()); }
};

// Cosines and sines of a micro-batch: rows x rotated / 2.
struct RopeAngles {
  const float* cos = nullptr;
  const float* sin = nullptr;
};

struct ForwardContext {
  const HyperParameters& parameters;
  const KernelTable* kernels;
  WorkerTeam& team;
  LinearObserver observer = {};

  RopeAngles rope = {};        // of this micro-batch
  RopeAngles local_rope = {};  // the same for layers with a window

  // Scratch, named by what it holds.
  std::array<ScratchBytes, 8> activations = {};  // by ActivationForm
  ScratchBytes rope_angles = {};
  ScratchBytes normed = {};
  ScratchBytes qkv = {};
  ScratchBytes attended = {};
  ScratchBytes gate_up = {};
  ScratchBytes activated = {};
  ScratchBytes block_out = {};
  ScratchBytes expert_rows = {};
  ScratchBytes expert_out = {};
  ScratchBytes router = {};
};

// Calls task(first_row, row_count) for groups of rows that cover [0, rows), on many threads.
template <typename Task>
void for_row_groups(ForwardContext& context, std::int64_t rows, const Task& task) {
  // Enough for a thread's while, few enough to share evenly.
  constexpr std::int64_t kGroupRows = 8;
  context.team.run((rows + kGroupRows - 1) / kGroupRows, [&](std::int64_t group, int) {
    const std::int64_t first = group * kGroupRows;
    task(first, std::min(kGroupRows, rows - first));
  });
}

}  // namespace pajamas
