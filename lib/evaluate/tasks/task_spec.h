// SPDX-License-Identifier: Apache-2.0
// A task as data: how a row becomes a question, which scores are taken, where examples come from.
//
// The prompts, choices and scores are those of the lm-evaluation-harness task of the same name
// (docs/tasks.md); the entries whose names begin with llm_foundry_ are those of llm-foundry's file
// of that name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "evaluate/data/record.h"
#include "evaluate/tasks/question.h"

namespace pajamas {

enum class TaskMetric : std::uint8_t {
  kAcc,       // the likeliest choice is the right one
  kAccNorm,   // likeliest per character (code point) of the choice
  kAccToken,  // likeliest per token
  kGreedy,    // the ending is what the model would write; called "acc" as well
};
std::string_view task_metric_name(TaskMetric metric);

// Which questions with answers stand before a question.
enum class ExampleRule : std::uint8_t {
  kNone,          // the task has none, or has them in its prompt
  kFirst,         // the first ones
  kRandom,        // drawn by a seeded generator
  kRandomOthers,  // the same, one more, without those that equal the question
};

// What the folder of a data set has more than one of.
enum class DataSplit : std::uint8_t { kTest, kValidation, kTrain, kDev };

enum class ChoiceRule : std::uint8_t {
  kNames,   // `choices` are the choices themselves
  kFields,  // `choices` are the fields that hold one choice each
  kList,    // choices[0] is a field that holds the list
};

enum class GoldRule : std::uint8_t {
  kIndex,  // `gold` is a field that counts from 0
  kLabel,  // `gold` is a field that equals one of the list `gold_labels`
  kFirst,  // the first choice, to which the list `gold_labels` gives 1
};

struct TaskSpec {
  using ReadQuestion = Result<Question> (*)(const TaskSpec& spec, const Record& record);

  std::string_view name;
  std::string_view source;  // the data set's name on the hub, or the file's name
  std::span<const TaskMetric> metrics;
  ExampleRule examples = ExampleRule::kNone;
  DataSplit questions_split = DataSplit::kValidation;
  DataSplit examples_split = DataSplit::kTrain;
  bool has_subjects = false;

  ReadQuestion read = nullptr;  // read_templated_question() unless a row needs more than a table
  std::string_view prompt;      // "{field}" stands for its text
  ChoiceRule choice_rule = ChoiceRule::kList;
  std::span<const std::string_view> choices;
  GoldRule gold_rule = GoldRule::kIndex;
  std::string_view gold;
  std::string_view gold_labels;
};

// By the spec's prompt and rules.
Result<Question> read_templated_question(const TaskSpec& spec, const Record& record);
// The prompt with its fields filled in.
Result<std::string> fill_prompt(std::string_view prompt, const Record& record);
// The field `name` as the index of one of `choices` choices.
Result<std::size_t> read_gold(const Record& record, std::string_view name, std::size_t choices);

// Everything that can be asked for, in the order of the documentation.
std::span<const TaskSpec> task_table();
const TaskSpec* find_task(std::string_view name);

}  // namespace pajamas
