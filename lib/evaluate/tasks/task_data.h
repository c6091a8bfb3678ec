// SPDX-License-Identifier: Apache-2.0
// The questions of a task, read from its files, and the prompts they make together with their
// examples.
//
// Everything is read and checked before the first question is asked. Which examples stand before a
// question is decided here once and for all, so a run that goes on later asks the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "evaluate/tasks/likelihood.h"
#include "evaluate/tasks/question.h"
#include "evaluate/tasks/task_spec.h"

namespace pajamas {

// Questions that share description and examples: a subject of MMLU, or a whole task.
struct QuestionSet {
  std::string subject;      // empty where a task has none
  std::string description;  // stands before everything
  std::vector<Question> questions;
  std::vector<Question> examples;
  std::vector<std::vector<std::size_t>> drawn;  // for each question, indices of its examples

  // What the model is asked: one request for each choice.
  [[nodiscard]] std::vector<LikelihoodRequest> requests(std::size_t index) const;
};

struct TaskData {
  std::vector<QuestionSet> sets;  // by subject

  [[nodiscard]] std::int64_t question_count() const;
};

struct TaskDataOptions {
  std::filesystem::path questions;  // a file, or a folder with a file for each split
  std::filesystem::path examples;   // empty: beside the questions
  int few_shot = 0;
  std::int64_t limit = 0;  // the first questions of each set; 0: all
};

Result<TaskData> load_task_data(const TaskSpec& spec, const TaskDataOptions& options);

}  // namespace pajamas
