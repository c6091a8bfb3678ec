// SPDX-License-Identifier: Apache-2.0
#include "evaluate/window_runner.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace pajamas {
namespace {

using Clock = std::chrono::steady_clock;

// Fewer rows than this leave threads without work at the end of each round.
constexpr std::uint64_t kRowsPerThread = 4;

// Rows of logits, copied as they come and worked on together when there are enough.
class RowBuffer {
 public:
  RowBuffer(ThreadPool& pool, std::size_t vocab, std::uint64_t bytes, const WindowCallbacks& calls)
      : pool_(pool), vocab_(vocab), calls_(calls) {
    const std::uint64_t least = kRowsPerThread * static_cast<std::uint64_t>(pool.thread_count());
    const std::uint64_t most = std::max<std::uint64_t>(bytes / (vocab * sizeof(float)), least);
    capacity_ = static_cast<std::size_t>(std::min<std::uint64_t>(most, 1024));
  }

  void add(ScoredRow row, std::span<const float> logits) {
    if (!status_) return;
    logits_.resize(std::max(logits_.size(), (rows_.size() + 1) * vocab_));
    std::ranges::copy(logits, logits_.begin() + static_cast<std::ptrdiff_t>(rows_.size() * vocab_));
    rows_.push_back(row);
    if (rows_.size() == capacity_) flush();
  }

  Status finish() {
    flush();
    return status_;
  }

 private:
  void flush() {
    if (!status_ || rows_.empty()) return;
    status_ = pool_.run(static_cast<std::int64_t>(rows_.size()), [&](std::int64_t at, int thread) {
      ScoredRow& row = rows_[static_cast<std::size_t>(at)];
      row.logits = std::span(logits_).subspan(static_cast<std::size_t>(at) * vocab_, vocab_);
      row.thread = thread;
      return calls_.on_row(row);
    });
    rows_.clear();
  }

  ThreadPool& pool_;
  std::size_t vocab_;
  const WindowCallbacks& calls_;
  std::size_t capacity_ = 0;
  std::vector<float> logits_;
  std::vector<ScoredRow> rows_;
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
  RowBuffer buffer(pool, static_cast<std::size_t>(engine.parameters().vocab), options.logit_bytes,
                   callbacks);
  Batch batch;
  for (std::size_t first = 0; first < windows.size(); first += step) {
    const auto together = windows.subspan(first, std::min(step, windows.size() - first));
    const Clock::time_point start = Clock::now();
    if (callbacks.on_batch) PJ_TRY(callbacks.on_batch(together));
    fill(batch, engine, plan, together);
    PJ_TRY(engine.forward(
        batch.tokens,
        [&](std::size_t index, std::span<const float> logits) {
          buffer.add(batch.rows[index], logits);
        },
        cancel));
    PJ_TRY(buffer.finish());
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    for (const std::int64_t window : together) {
      PJ_TRY(callbacks.on_window(window, seconds / static_cast<double>(together.size())));
    }
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
