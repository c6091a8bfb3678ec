// SPDX-License-Identifier: Apache-2.0
// What an unfinished conversion has done, so that the same command goes on from there.
//
// A text file of one JSON object per line in <output>/.pajamas/: first the fingerprint of the plan,
// then a line per finished tensor, at last the hashes of the finished files. Lines are appended
// only after the data they speak of is on disk; a last line cut short by a crash is ignored. One
// process at a time owns the folder (a lock file). Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "pipeline/source_hash.h"

namespace pajamas {

// What the report says of one tensor in one output.
struct TensorStats {
  double squared_error = 0;  // over the sampled rows
  double squared_sum = 0;    // of the original, over the same rows
  double seconds = 0;        // of all threads, for all outputs together
};

struct JournalEntry {
  std::int64_t tensor = 0;         // index into Model::outputs
  std::vector<TensorStats> stats;  // one per output
};

class Journal {
 public:
  // Locks `folder` (made if needed; kConflict when another process holds it) and reads what an
  // earlier run with the same fingerprint left. Leftovers of a different plan are removed.
  static Result<Journal> open(const std::filesystem::path& folder, const std::string& fingerprint);

  Journal(Journal&&) noexcept = default;
  Journal& operator=(Journal&&) noexcept = default;

  [[nodiscard]] const std::map<std::int64_t, JournalEntry>& done() const { return done_; }
  // Hash by file name, filled once all files are complete and validated.
  [[nodiscard]] const std::map<std::string, std::string>& sealed() const { return sealed_; }
  // The source's files as the sealed run read them.
  [[nodiscard]] const std::vector<FileHash>& source_files() const { return source_files_; }
  // True when open() removed the leftovers of a run with other settings.
  [[nodiscard]] bool discarded_other() const { return discarded_other_; }

  Status append(std::span<const JournalEntry> entries);
  Status seal(const std::map<std::string, std::string>& sha256_by_file,
              const std::vector<FileHash>& source_files);
  // Removes the folder with everything in it: the run is complete.
  Status remove();

 private:
  Journal() = default;
  Status load(const std::string& fingerprint);
  void load_seal(const Json& line);
  Status write_line(const std::string& line);

  std::filesystem::path folder_;
  File lock_;
  File file_;
  std::uint64_t end_ = 0;  // where the next line goes
  std::map<std::int64_t, JournalEntry> done_;
  std::map<std::string, std::string> sealed_;
  std::vector<FileHash> source_files_;
  bool discarded_other_ = false;
};

}  // namespace pajamas
