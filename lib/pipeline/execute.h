// SPDX-License-Identifier: Apache-2.0
// Carries out a plan: rows stream from the source through quantization to their planned offsets.
//
// One pass: the source is read in file order, once, however many outputs there are. Memory is a few
// buffers per thread. Every finished tensor goes to the journal after its bytes are on disk, so
// that a killed run goes on where it was.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "pipeline/journal.h"
#include "pipeline/model.h"
#include "pipeline/plan.h"
#include "pipeline/source_hash.h"

namespace pajamas {

struct ExecuteOptions {
  int threads = 0;                     // 0: all CPUs of this process
  std::uint64_t max_memory_bytes = 0;  // of the whole process; 0: the default buffers
  double checkpoint_seconds = 2.0;     // between writes to the journal
};

struct ExecuteResult {
  std::vector<FileHash> source_files;
  std::map<std::string, std::string> sha256_by_file;  // of what was written, by planned path
  std::vector<JournalEntry> tensors;                  // parallel to Model::outputs
  std::int64_t resumed_tensors = 0;                   // that an earlier run had done
  int threads = 0;
};

// Writes all files of the plan into `folder`, which exists; they are complete and synced when this
// returns. `hasher` is one of the model's files that nothing was fed to yet. Errors: NaN or
// infinity in a weight (names tensor and index), the disk, cancellation.
Result<ExecuteResult> execute_plan(const Model& model, const Plan& plan,
                                   const std::filesystem::path& folder, Journal& journal,
                                   SourceHasher& hasher, const ExecuteOptions& options,
                                   const CancelToken& cancel, Progress& progress);

}  // namespace pajamas
