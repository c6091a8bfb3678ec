// SPDX-License-Identifier: Apache-2.0
// Tokens in, logits or hidden states out: the graph of the whole model over a batch of sequences.
//
// A batch goes through in micro-batches, so scratch memory does not depend on its length. The
// result for a token has the same bits for any micro-batch, batch mates and thread count. Borrows
// parameters, weights and team. Not for use from several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/cancel.h"
#include "base/error.h"
#include "runtime/blocks/forward_context.h"
#include "runtime/blocks/rope.h"
#include "runtime/sequence.h"
#include "runtime/weights.h"

namespace pajamas {

enum class TokenOutput : std::uint8_t {
  kNothing,
  kLogits,  // one number per token of the vocabulary
  kHidden,  // the hidden state after the last norm
};

// A token that is appended to its sequence. Tokens of one sequence stand in the order of the text.
struct BatchToken {
  Sequence* sequence = nullptr;
  std::int32_t token = 0;
  TokenOutput output = TokenOutput::kNothing;
};

// Gets the output of batch[index]; the values are gone when it returns.
using OutputSink = std::function<void(std::size_t index, std::span<const float> values)>;

// Whether every token is in the vocabulary and every sequence stays within `context` positions.
Status check_batch(std::span<const BatchToken> batch, const HyperParameters& parameters,
                   std::int64_t context);

class ForwardPass {
 public:
  // context: positions that a sequence may have; micro_batch: tokens that go through together.
  ForwardPass(const HyperParameters& parameters, const Weights& weights, const KernelTable* kernels,
              WorkerTeam& team, std::int64_t context, std::int64_t micro_batch);

  // After an error each sequence holds whole micro-batches of its tokens, and can go on from there.
  Status run(std::span<const BatchToken> batch, const OutputSink& sink, const CancelToken& cancel);

  void set_observer(LinearObserver observer) { context_.observer = std::move(observer); }

  // Scratch bytes of a full micro-batch, about.
  static std::uint64_t scratch_bytes(const HyperParameters& parameters, std::int64_t micro_batch);

 private:
  Status run_micro_batch(std::span<const BatchToken> batch, std::size_t first_index,
                         const OutputSink& sink, const CancelToken& cancel);
  Result<MicroBatch> begin_micro_batch(std::span<const BatchToken> batch);
  void embed(std::span<const std::int32_t> tokens, float* x);
  void set_angles(const MicroBatch& batch);
  void give_outputs(std::span<const BatchToken> batch, std::size_t first_index,
                    std::span<const std::size_t> wanted, const float* x, const OutputSink& sink);

  const HyperParameters& parameters_;
  const Weights& weights_;
  ForwardContext context_;
  RopeFrequencies rope_;
  RopeFrequencies local_rope_;
  std::int64_t max_positions_;
  std::int64_t micro_batch_;
  std::vector<std::int32_t> tokens_;
  ScratchBytes stream_;
  ScratchBytes kept_rows_;
  ScratchBytes logits_;
};

}  // namespace pajamas
