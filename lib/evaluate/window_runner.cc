// SPDX-License-Identifier: Apache-2.0
#include "evaluate/window_runner.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

namespace pajamas {
namespace {

using Clock = std::chrono::steady_clock;

// Fewer rows than this leave threads without work at the end of each round.
constexpr std::uint64_t kRowsPerThread = 4;

// Rows of logits, copied as they come and worked on together when there are enough.
class RowBuffer {
 public:
  RowBuffer(ThreadPool& pool, const WindowPlan& plan, std::size_t vocab, std::uint64_t bytes,
            const WindowCallbacks& calls)
      : pool_(pool), plan_(plan), vocab_(vocab), calls_(calls) {
    const std::uint64_t least = kRowsPerThread * static_cast<std::uint64_t>(pool.thread_count());
    const std::uint64_t most = std::max<std::uint64_t>(bytes / (vocab * sizeof(float)), least);
    capacity_ = static_cast<std::size_t>(std::min<std::uint64_t>(most, 1024));
  }

  void add(const ScoredRow& row, std::span<const float> logits) {
    if (!status_) return;
    logits_.resize(std::max(logits_.size(), (rows_.size() + 1) * vocab_));
    std::ranges::copy(logits, logits_.begin() + static_cast<std::ptrdiff_t>(rows_.size() * vocab_));
    rows_.push_back(row);
    if (rows_.size() == capacity_) status_ = flush();
  }

  Status finish() {
    if (status_) status_ = flush();
    return status_;
  }

 private:
  Status flush() {
    for (const ScoredRow& row : rows_) {
      const auto [open, is_new] = missing_.try_emplace(
          row.window, plan_.windows[static_cast<std::size_t>(row.window)].scored());
      if (is_new) PJ_TRY(calls_.on_begin(row.window));
      --open->second;
    }
    PJ_TRY(pool_.run(static_cast<std::int64_t>(rows_.size()), [&](std::int64_t at, int thread) {
      ScoredRow& row = rows_[static_cast<std::size_t>(at)];
      row.logits = std::span(logits_).subspan(static_cast<std::size_t>(at) * vocab_, vocab_);
      row.thread = thread;
      return calls_.on_row(row);
    }));
    rows_.clear();
    // In order: a window waits for those before it.
    while (!missing_.empty() && missing_.begin()->second == 0) {
      const Clock::time_point now = Clock::now();
      PJ_TRY(calls_.on_end(missing_.begin()->first,
                           std::chrono::duration<double>(now - last_end_).count()));
      last_end_ = now;
      missing_.erase(missing_.begin());
    }
    return {};
  }

  ThreadPool& pool_;
  const WindowPlan& plan_;
  std::size_t vocab_;
  const WindowCallbacks& calls_;
  std::size_t capacity_ = 0;
  std::vector<float> logits_;
  std::vector<ScoredRow> rows_;
  std::map<std::int64_t, std::int64_t> missing_;  // rows to come of the windows that were begun
  Clock::time_point last_end_ = Clock::now();
  Status status_;
};

// The tokens of some windows, each in a sequence of its own, and whose logits each output is.
struct Batch {
  std::vector<Sequence> sequences;
  std::vector<BatchToken> tokens;
  std::vector<ScoredRow> rows;  // parallel to `tokens`; meaningful where logits are wanted
};

void fill(Batch& batch, Engine& engine, const WindowPlan& plan,
          std::span<const std::int64_t> windows) {
  batch.sequences.clear();
  batch.tokens.clear();
  batch.rows.clear();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    batch.sequences.push_back(engine.new_sequence());
  }
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Window& window = plan.windows[static_cast<std::size_t>(windows[i])];
    // Nothing is asked of the last token: what follows it is not in the window.
    for (std::int64_t place = 0; place + 1 < window.length; ++place) {
      const bool is_scored = place + 1 >= window.first_target;
      batch.tokens.push_back({&batch.sequences[i], plan.input(window, place),
                              is_scored ? TokenOutput::kLogits : TokenOutput::kNothing});
      batch.rows.push_back({.window = windows[i],
                            .row = place + 1 - window.first_target,
                            .target = plan.target(window, place + 1)});
    }
  }
}

}  // namespace

Status run_windows(Engine& engine, ThreadPool& pool, const WindowPlan& plan,
                   std::span<const std::int64_t> windows, const WindowCallbacks& callbacks,
                   const RunnerOptions& options, const CancelToken& cancel) {
  const auto step = static_cast<std::size_t>(std::max<std::int64_t>(options.batch_windows, 1));
  RowBuffer buffer(pool, plan, static_cast<std::size_t>(engine.parameters().vocab),
                   options.logit_bytes, callbacks);
  Batch batch;
  for (std::size_t first = 0; first < windows.size(); first += step) {
    const auto together = windows.subspan(first, std::min(step, windows.size() - first));
    fill(batch, engine, plan, together);
    PJ_TRY(engine.forward(
        batch.tokens,
        [&](std::size_t index, std::span<const float> logits) {
          buffer.add(batch.rows[index], logits);
        },
        cancel));
    PJ_TRY(buffer.finish());
  }
  return {};
}

std::int64_t windows_per_batch(const WindowPlan& plan, std::int64_t batch_tokens) {
  return std::clamp<std::int64_t>(batch_tokens / plan.context, 1,
                                  static_cast<std::int64_t>(plan.windows.size()));
}

std::int64_t cache_positions_of(const WindowPlan& plan, std::int64_t batch_windows) {
  const std::int64_t blocks = (plan.context + kKvPagePositions - 1) / kKvPagePositions;
  return blocks * kKvPagePositions * batch_windows;
}

}  // namespace pajamas
