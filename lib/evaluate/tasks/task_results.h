// SPDX-License-Identifier: Apache-2.0
// What a model answered, question by question: as data, as a file that an interrupted run goes on
// from, and as scores.
//
// The file is JSON lines. The first says what was asked of which model:
//   {"task_results": 1, "task": "mmlu", "few_shot": 5, "context": 512, "model": "<64 hex digits>"}
// Each other one is a question:
//   {"subject": "anatomy", "index": 3, "prompt": "<16 hex digits>", "gold": 1,
//    "choices": [{"log_probability": -1.5, "is_greedy": false, "tokens": 1, "characters": 1}, ...]}
// prompt is the beginning of the SHA-256 of what the model was given. A last line that was cut
// short is forgotten; anything else that is wrong is an error with the line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "evaluate/tasks/task_spec.h"
#include "evaluate/validation.h"

namespace pajamas {

struct ChoiceResult {
  double log_probability = 0;
  bool is_greedy = false;
  std::int64_t tokens = 0;
  std::int64_t characters = 0;  // code points, without the space before the choice

  bool operator==(const ChoiceResult&) const = default;
};

struct ItemResult {
  std::string subject;     // empty where the task has none
  std::int64_t index = 0;  // of the question in its subject, from 0
  std::string prompt;
  std::int64_t gold = 0;
  std::vector<ChoiceResult> choices;

  bool operator==(const ItemResult&) const = default;
};

// Whether the question counts as answered; of equal choices the first is taken.
bool is_right(const ItemResult& item, TaskMetric metric);

// The scores of a task: for each metric the whole, then (mmlu) its categories and its subjects that
// have questions here. The standard error is that of the mean over questions; for several subjects
// together it is pooled over them. With a single question in a subject there is none: it is NaN.
std::vector<TaskScore> score_items(const TaskSpec& spec, const std::vector<ItemResult>& items,
                                   int few_shot);

struct ResultsHeader {
  std::string task;
  int few_shot = 0;
  std::int64_t context = 0;
  std::string model;  // fingerprint

  bool operator==(const ResultsHeader&) const = default;
};

// Items appended to a file one batch after another. Movable; one call at a time.
class ResultsFile {
 public:
  // Takes up what the file holds. One of another run is kConflict and is left as it is.
  static Result<ResultsFile> open(const std::filesystem::path& path, const ResultsHeader& header);

  // Of the file when it was opened.
  [[nodiscard]] const std::vector<ItemResult>& found() const { return found_; }
  Status append(const std::vector<ItemResult>& items);

 private:
  ResultsFile(File file, std::uint64_t end, std::vector<ItemResult> found)
      : file_(std::move(file)), end_(end), found_(std::move(found)) {}

  File file_;
  std::uint64_t end_;
  std::vector<ItemResult> found_;
};

// One line without its end, and back. `where` names it in messages.
std::string item_line(const ItemResult& item);
Result<ItemResult> parse_item_line(std::string_view line, std::string_view where);

}  // namespace pajamas
