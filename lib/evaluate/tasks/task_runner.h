// SPDX-License-Identifier: Apache-2.0
// Runs a task: questions from files, asked of a model, scored as lm-evaluation-harness scores them.
//
//   const TaskRun run = PJ_TRY(run_task(*engine, text, {.name = "arc_easy", .data = "test.jsonl"},
//                                       cancel, progress));
//
// All data is read and checked before the first question. docs/tasks.md says what each task expects
// and how its scores compare.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "evaluate/tasks/task_results.h"
#include "evaluate/validation.h"
#include "generation/model_text.h"
#include "runtime/engine.h"

namespace pajamas {

struct TaskRequest {
  std::string name;                     // of known_tasks()
  std::filesystem::path data;           // a file of questions, or a folder with the splits
  std::filesystem::path examples = {};  // of questions with answers; empty: beside the questions
  int few_shot = 0;                     // examples before each question
  std::int64_t limit = 0;               // the first questions (mmlu: of each subject); 0: all
  // Items are added to this file batch by batch, and those it has already are not asked again.
  // Empty: none is written.
  std::filesystem::path results = {};
};

struct TaskRun {
  std::vector<TaskScore> scores;   // the whole task's first
  std::vector<ItemResult> items;   // in the order of the data
  std::int64_t resumed_items = 0;  // that the results file had
  std::int64_t computed_tokens = 0;
};

struct KnownTask {
  std::string_view name;
  std::string_view source;     // data set of the hub, or llm-foundry's file
  bool takes_examples = true;  // few_shot may be over 0
};
std::vector<KnownTask> known_tasks();

// Reads all data of the request and checks it, without a model.
Status check_task_data(const TaskRequest& request);

// The context to open an engine with is up to the caller: questions that are longer lose their
// beginning. Progress counts questions. When cancelled, the results
// file holds what was answered.
Result<TaskRun> run_task(Engine& engine, const ModelText& text, const TaskRequest& request,
                         const CancelToken& cancel, Progress& progress);

}  // namespace pajamas
