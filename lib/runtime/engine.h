// SPDX-License-Identifier: Apache-2.0
// A model in memory, ready to run: what programs use of this layer.
//
//   auto engine = PJ_TRY(Engine::open("model.gguf", {.threads = 8, .context = 4096}, cancel,
//   progress)); Sequence sequence = engine->new_sequence(); std::span<const float> logits =
//   PJ_TRY(engine->prefill(sequence, prompt, cancel)); while (!done) {
//     const std::int32_t token = pick(logits);
//     logits = PJ_TRY(engine->decode({{&sequence, token}}, cancel));
//   }
//
// Sequences belong to the caller and must end before the engine. One call at a time: neither the
// engine nor its sequences may be used from several threads at once. Errors leave the sequences
// usable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "kernels/kernel_table.h"
#include "models/opened_model.h"
#include "runtime/forward_pass.h"
#include "runtime/hyper_parameters.h"
#include "runtime/memory_plan.h"
#include "runtime/sequence.h"
#include "runtime/token_cost.h"

namespace pajamas {

// How long the cache keeps keys and values.
enum class CacheLife : std::uint8_t {
  kSequence,  // until the sequence is truncated or ends
  // For one forward(): a sequence begins and ends with the call, and the cache holds one layer at a
  // time, a small part of the memory. For scoring texts.
  kOneCall,
};

struct EngineOptions {
  int threads = 0;           // 0: one per CPU this process may use
  std::int64_t context = 0;  // positions of a sequence; 0: the model's, at most 4096
  // Of all sequences together. 0: as many as `context`; with a cache of one call, as many as the
  // memory has room for, within reason.
  std::int64_t cache_positions = 0;
  KvType kv_type = KvType::kF16;
  std::int64_t micro_batch = 512;        // tokens that go through the model together
  std::uint64_t memory_limit_bytes = 0;  // 0: what the system has available
  // With streamed layers, each forward() reads the whole model for every tokens_per_pass() of its
  // tokens: right for many texts at once, and slow for one token after the other.
  LayerStreaming layer_streaming = LayerStreaming::kOff;
  CacheLife cache_life = CacheLife::kSequence;
  std::string gguf_type = {};            // which file of an artifact folder; empty: the best
  const KernelTable* kernels = nullptr;  // nullptr: the selected one
  std::string backend = {};              // a library that computes instead; empty: our kernels
};

struct NextToken {
  Sequence* sequence = nullptr;
  std::int32_t token = 0;
};

class Engine {
 public:
  // `path`: a .gguf file, a Hugging Face folder, or an artifact folder (runtime/artifact.h).
  static Result<std::unique_ptr<Engine>> open(const std::filesystem::path& path,
                                              const EngineOptions& options,
                                              const CancelToken& cancel, Progress& progress);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const HyperParameters& parameters() const;
  [[nodiscard]] const OpenedModel& model() const;  // its gguf_keys hold tokenizer and template
  [[nodiscard]] std::int64_t context() const;
  [[nodiscard]] int threads() const;
  [[nodiscard]] std::string backend() const;         // "cpu", or what the library calls itself
  [[nodiscard]] std::uint64_t weight_bytes() const;  // in memory
  [[nodiscard]] bool has_streamed_layers() const;
  // Tokens of one forward() that go through all layers together. With streamed layers the weights
  // are read once for so many; with a cache of one call a forward() may have no more.
  [[nodiscard]] std::int64_t tokens_per_pass() const;
  // Layers whose weights were read since the engine was opened; 0 when all stay in memory.
  [[nodiscard]] std::int64_t layers_read() const;
  [[nodiscard]] TokenCost cost_of_token() const;
  [[nodiscard]] const std::vector<std::string>& warnings() const;

  [[nodiscard]] Sequence new_sequence();

  // Appends tokens to their sequences and gives the outputs that were asked for, in any order of
  // sequences. Everything below is made of this.
  Status forward(std::span<const BatchToken> batch, const OutputSink& sink,
                 const CancelToken& cancel);

  // Appends `tokens` (at least one); the logits after the last, valid until the next call.
  Result<std::span<const float>> prefill(Sequence& sequence, std::span<const std::int32_t> tokens,
                                         const CancelToken& cancel);
  // Makes the sequence hold exactly `tokens`: keeps what it has in common with them from the start,
  // forgets the rest, appends what is missing. The logits after the last, as above.
  Result<std::span<const float>> prefill_from_common_start(Sequence& sequence,
                                                           std::span<const std::int32_t> tokens,
                                                           const CancelToken& cancel);
  // Appends one token to each sequence; rows of logits in that order, valid until the next call.
  Result<std::span<const float>> decode(std::span<const NextToken> next, const CancelToken& cancel);

  // Makes room: forgets the older half of what stands after the first `keep` tokens, and computes
  // what follows anew, as if the text had been so. (Turning the stored keys to their new places is
  // quicker, but leaves values that were computed from the forgotten text.) kInvalidArgument when
  // there is nothing to forget.
  Status shift_context(Sequence& sequence, std::int64_t keep, const CancelToken& cancel);

  // The cache of a sequence as a file, and back. A file of another model or cache type, or one that
  // is damaged, is an error; a backend has none.
  Status save(const Sequence& sequence, const std::filesystem::path& path);
  Result<Sequence> restore(const std::filesystem::path& path);

  // Called with the input of every matrix product until it is set to nothing.
  void set_observer(LinearObserver observer);

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace pajamas
