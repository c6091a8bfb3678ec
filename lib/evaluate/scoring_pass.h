// SPDX-License-Identifier: Apache-2.0
// One pass of one model over the windows of a text: scores them, and either keeps the model's
// distributions for others (the original) or compares with those kept (a quantization).
//
// Windows that the journal knows are not run again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "evaluate/reference/reference_logits.h"
#include "evaluate/result_journal.h"
#include "evaluate/window_plan.h"
#include "evaluate/window_score.h"
#include "runtime/engine.h"

namespace pajamas {

struct ScoringPass {
  const WindowPlan& plan;
  std::string key;  // of the pass in the journal
  // At most one of these.
  ReferenceWriter* writer = nullptr;
  const ReferenceReader* reference = nullptr;
  // That go through the model together, about; with streamed layers, as many as it takes.
  std::int64_t batch_tokens = 2048;
  // Told after each window how many are done.
  std::function<void(std::int64_t done)> on_progress = {};
};

// Asked for only when a window has to be run: loading a model takes time.
using EngineSource = std::function<Result<Engine*>()>;

// Where the windows that an earlier run kept end, as its journal says: those from the first on
// without a gap.
std::vector<ReferenceMark> journaled_marks(const ResultJournal& journal, const WindowPlan& plan,
                                           std::string_view key);

// A score for each window of the plan. With a writer all windows from the first that its file lacks
// are run. Errors: another vocabulary than the reference's; of the engine, the file and the
// journal. Cancelled or failed, what is done is saved in the journal.
Result<std::vector<WindowScore>> run_scoring_pass(const ScoringPass& pass,
                                                  const EngineSource& engine, ThreadPool& pool,
                                                  ResultJournal& journal,
                                                  const CancelToken& cancel);

// The scores of a model whose distributions were kept, by the file alone. `plan`: of the file's
// tokens. Times are 0.
Result<std::vector<WindowScore>> scores_of_reference(const ReferenceReader& reference,
                                                     const WindowPlan& plan,
                                                     const CancelToken& cancel);

}  // namespace pajamas
