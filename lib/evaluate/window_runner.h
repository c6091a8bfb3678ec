// SPDX-License-Identifier: Apache-2.0
// Runs a model over windows of a text, several at a time, and hands out the logits row by row.
//
// Rows of logits are large (a quarter million numbers), so only a few stand in memory; whatever
// wants to know more about them than fits must take it from each row as it comes. What a row's
// logits are does not depend on the windows beside it, nor on threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/cancel.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "evaluate/window_plan.h"
#include "runtime/engine.h"

namespace pajamas {

// The logits after one token of a window.
struct ScoredRow {
  std::int64_t window = 0;  // index in the plan
  std::int64_t row = 0;     // of the scored tokens of the window
  std::int32_t target = 0;  // the token that follows in the text
  std::span<const float> logits;
  int thread = 0;  // of the pool
};

struct WindowCallbacks {
  // Called before the first row of a window.
  std::function<Status(std::int64_t window)> on_begin;
  // Called from the threads of the pool, each row once, the rows of a window in any order.
  std::function<Status(const ScoredRow& row)> on_row;
  // Called in the order of the windows when all rows of one are done; `seconds` since the last
  // call, or since the start.
  std::function<Status(std::int64_t window, double seconds)> on_end;
};

struct RunnerOptions {
  std::int64_t batch_windows = 1;                       // that go through the model together
  std::uint64_t logit_bytes = std::uint64_t{64} << 20;  // of rows that wait for the pool
};

// `windows`: indices into the plan, in ascending order. The engine's context must hold a window,
// and its cache batch_windows of them. Errors: of the engine and of the callbacks.
Status run_windows(Engine& engine, ThreadPool& pool, const WindowPlan& plan,
                   std::span<const std::int64_t> windows, const WindowCallbacks& callbacks,
                   const RunnerOptions& options, const CancelToken& cancel);

// As many windows as make a batch of about this many tokens.
std::int64_t windows_per_batch(const WindowPlan& plan, std::int64_t batch_tokens);

// Cache positions that so many windows of a plan need: sequences take whole blocks.
std::int64_t cache_positions_of(const WindowPlan& plan, std::int64_t batch_windows);

}  // namespace pajamas
