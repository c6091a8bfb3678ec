// SPDX-License-Identifier: Apache-2.0
// Rows that need more than a template to become questions. Each is the `read` of its entries in the
// task table.
#pragma once

#include "evaluate/tasks/task_spec.h"

namespace pajamas {

// The label is "label" (super_glue) or "answer" (google/boolq).
Result<Question> read_boolq(const TaskSpec& spec, const Record& record);
// Cleans up what the WikiHow half of the data set is full of.
Result<Question> read_hellaswag(const TaskSpec& spec, const Record& record);
// Partial scoring: the sentence up to the blank with each option, then what follows it.
Result<Question> read_winogrande(const TaskSpec& spec, const Record& record);
// The choices are the letters; their texts are part of the prompt. "answer" is a number or a
// letter.
Result<Question> read_mmlu(const TaskSpec& spec, const Record& record);

// llm-foundry's in-context-learning layouts. The spec's prompt stands behind the context.
Result<Question> read_icl_multiple_choice(const TaskSpec& spec, const Record& record);
Result<Question> read_icl_schema(const TaskSpec& spec, const Record& record);
Result<Question> read_icl_language_modeling(const TaskSpec& spec, const Record& record);

}  // namespace pajamas
