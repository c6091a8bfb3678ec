// SPDX-License-Identifier: Apache-2.0
// Tokens in, logits or hidden states out: the graph of the whole model over a batch of sequences.
//
// A batch goes through in micro-batches, so scratch memory does not depend on its length. Those of
// a pass go through one layer after the other before the next layer begins: weights that are
// streamed are read once per pass, whose residual stream is kept meanwhile. The result for a token
// has the same bits for any micro-batch, pass, batch mates and thread count. Borrows parameters,
// weights and team. Not for use from several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

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

struct PassOptions {
  std::int64_t context = 0;      // positions that a sequence may have
  std::int64_t micro_batch = 0;  // tokens that go through a layer together
  std::int64_t pass_tokens = 0;  // tokens that go through all layers together
  // The cache has the pages of one layer, so a sequence begins and ends with the call.
  bool has_cache_of_one_layer = false;
};

// Whether every token is in the vocabulary and every sequence stays within `context` positions.
Status check_batch(std::span<const BatchToken> batch, const HyperParameters& parameters,
                   std::int64_t context);

class ForwardPass {
 public:
  ForwardPass(const HyperParameters& parameters, const Weights& weights, const KernelTable* kernels,
              WorkerTeam& team, const PassOptions& options);

  // After an error each sequence holds whole passes of its tokens, and can go on from there.
  Status run(std::span<const BatchToken> batch, const OutputSink& sink, const CancelToken& cancel);

  void set_observer(LinearObserver observer) { context_.observer = std::move(observer); }

  // Scratch bytes of a full micro-batch, about.
  static std::uint64_t scratch_bytes(const HyperParameters& parameters, std::int64_t micro_batch);
  // Bytes that a token of a pass takes beside its keys and values, about.
  static std::uint64_t bytes_per_pass_token(const HyperParameters& parameters);

 private:
  // A micro-batch on its way through the layers.
  struct Part {
    MicroBatch micro;
    std::size_t first = 0;            // of the pass's tokens
    std::vector<std::size_t> wanted;  // rows whose output is asked for, ascending
    float* x = nullptr;               // residual stream, rows x hidden
  };

  [[nodiscard]] Status check_cache_of_one_layer(std::span<const BatchToken> batch) const;
  Status run_pass(std::span<const BatchToken> batch, std::size_t first_index,
                  const OutputSink& sink, const CancelToken& cancel);
  Result<std::vector<Part>> begin_pass(std::span<const BatchToken> batch);
  Status run_layers(std::span<Part> parts, const CancelToken& cancel);
  void run_layer(std::int64_t layer, Part& part);
  void embed(std::span<const std::int32_t> tokens, float* x);
  void set_angles(const MicroBatch& batch);
  void give_outputs(std::span<const BatchToken> batch, std::size_t first_index, const Part& part,
                    const OutputSink& sink);

  const HyperParameters& parameters_;
  const Weights& weights_;
  ForwardContext context_;
  RopeFrequencies rope_;
  RopeFrequencies local_rope_;
  PassOptions options_;
  std::vector<std::int32_t> tokens_;  // of the pass
  ScratchBytes stream_;               // of the pass
  ScratchBytes logits_;
};

}  // namespace pajamas
