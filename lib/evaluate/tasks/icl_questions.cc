// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "evaluate/tasks/task_questions.h"

namespace pajamas {

Result<Question> read_icl_multiple_choice(const TaskSpec& spec, const Record& record) {
  Question question;
  question.contexts.push_back(PJ_TRY(record.text("query")) + std::string(spec.prompt));
  question.endings = PJ_TRY(record.texts("choices"));
  if (question.endings.empty()) return record.error("'choices' is empty, expected choices");
  question.gold = PJ_TRY(read_gold(record, "gold", question.endings.size()));
  return question;
}

Result<Question> read_icl_schema(const TaskSpec& spec, const Record& record) {
  Question question;
  question.contexts = PJ_TRY(record.texts("context_options"));
  if (question.contexts.empty()) {
    return record.error("'context_options' is empty, expected choices");
  }
  for (std::string& context : question.contexts) context += spec.prompt;
  question.endings.push_back(PJ_TRY(record.text("continuation")));
  question.gold = PJ_TRY(read_gold(record, "gold", question.contexts.size()));
  return question;
}

Result<Question> read_icl_language_modeling(const TaskSpec& spec, const Record& record) {
  Question question;
  question.contexts.push_back(PJ_TRY(record.text("context")) + std::string(spec.prompt));
  question.endings.push_back(PJ_TRY(record.text("continuation")));
  return question;
}

}  // namespace pajamas
