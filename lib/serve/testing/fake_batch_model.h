// SPDX-License-Identifier: Apache-2.0
// A BatchModel without weights: the next token follows from all tokens before it.
//
// Keeps what each forward pass was given, so that tests see how work was shared out.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "runtime/kv_pool.h"
#include "serve/scheduler.h"

namespace pajamas::testing_support {

inline constexpr std::int32_t kFakeVocab = 97;

inline std::int32_t fake_next(std::span<const std::int32_t> tokens) {
  std::uint32_t hash = 2166136261U;
  for (const std::int32_t token : tokens) {
    hash = (hash ^ static_cast<std::uint32_t>(token)) * 16777619U;
  }
  return static_cast<std::int32_t>(hash % kFakeVocab);
}

class FakeBatchModel {
 public:
  struct Pass {
    std::size_t tokens = 0;
    std::size_t sequences = 0;
  };

  explicit FakeBatchModel(std::int64_t context, std::int64_t blocks)
      : pool_({.layers = 1, .kv_heads = 1, .head_dim = 32}, blocks), context_(context) {}

  BatchModel model() {
    return {.new_sequence = [this] { return Sequence(pool_); },
            .forward = [this](std::span<const BatchToken> batch, const OutputSink& sink,
                              const CancelToken&) { return forward(batch, sink); },
            .context = context_};
  }
  [[nodiscard]] std::vector<Pass> passes() const {
    const std::lock_guard lock(mutex_);
    return passes_;
  }
  [[nodiscard]] const KvPool& pool() const { return pool_; }

  // Called before each pass, on the scheduler's thread.
  std::function<Status()> before_pass = [] { return Status{}; };

 private:
  Status forward(std::span<const BatchToken> batch, const OutputSink& sink) {
    PJ_TRY(before_pass());
    Pass pass{.tokens = batch.size()};
    for (std::size_t at = 0; at < batch.size(); ++at) {
      const BatchToken& token = batch[at];
      if (at == 0 || batch[at - 1].sequence != token.sequence) ++pass.sequences;
      PJ_TRY(token.sequence->reserve(1));
      token.sequence->commit(std::span(&token.token, 1));
      if (token.output == TokenOutput::kNothing) continue;
      std::vector<float> logits(kFakeVocab, 0.0F);
      logits[static_cast<std::size_t>(fake_next(token.sequence->tokens()))] = 1.0F;
      sink(at, logits);
    }
    const std::lock_guard lock(mutex_);
    passes_.push_back(pass);
    return {};
  }

  KvPool pool_;
  std::int64_t context_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Pass> passes_;
};

}  // namespace pajamas::testing_support
