// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "evaluate/tasks/python_text.h"
#include "evaluate/tasks/task_questions.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

// As re.sub("\[.*?\]", "") does: from a bracket to the next closing one on its line.
std::string remove_bracketed(std::string_view text) {
  std::string result;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t open = text.find('[', offset);
    result += text.substr(offset, open - offset);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find_first_of("]\n", open);
    if (close != std::string_view::npos && text[close] == ']') {
      offset = close + 1;
    } else {
      result += '[';
      offset = open + 1;
    }
  }
  return result;
}

std::string clean_up(std::string_view text) {
  const std::string titled = replace_all(python_strip(text), " [title]", ". ");
  return replace_all(remove_bracketed(titled), "  ", " ");
}

}  // namespace

Result<Question> read_boolq(const TaskSpec& spec, const Record& record) {
  Question question;
  question.contexts.push_back(PJ_TRY(fill_prompt(spec.prompt, record)));
  question.endings.assign(spec.choices.begin(), spec.choices.end());
  const std::string_view field = record.has("label") || !record.has("answer") ? "label" : "answer";
  question.gold = PJ_TRY(read_gold(record, field, question.endings.size()));
  return question;
}

Result<Question> read_hellaswag(const TaskSpec& spec, const Record& record) {
  const std::string activity = PJ_TRY(record.text("activity_label"));
  const std::string first = PJ_TRY(record.text("ctx_a"));
  const std::string second = PJ_TRY(record.text("ctx_b"));
  Question question;
  question.contexts.push_back(clean_up(activity + ": " + first + " " + python_capitalize(second)));
  for (const std::string& ending : PJ_TRY(record.texts("endings"))) {
    question.endings.push_back(clean_up(ending));
  }
  if (question.endings.empty()) return record.error("'endings' is empty, expected choices");
  question.gold = PJ_TRY(read_gold(record, spec.gold, question.endings.size()));
  return question;
}

Result<Question> read_winogrande(const TaskSpec&, const Record& record) {
  const std::string sentence = PJ_TRY(record.text("sentence"));
  const std::size_t blank = sentence.find('_');
  if (blank == std::string::npos) {
    return record.error("'sentence' has no blank, expected a '_' where the options go");
  }
  const std::string_view before = std::string_view(sentence).substr(0, blank);
  const std::string_view behind = std::string_view(sentence).substr(blank + 1);
  Question question;
  for (const std::string_view option : {"option1", "option2"}) {
    question.contexts.push_back(std::string(before) + PJ_TRY(record.text(option)));
  }
  question.endings.emplace_back(python_strip(behind));
  const std::int64_t answer = PJ_TRY(record.integer("answer"));  // "" where answers are hidden
  if (answer != 1 && answer != 2) {
    return record.error(fmt::format("'answer' is {}, expected 1 or 2", answer));
  }
  question.gold = static_cast<std::size_t>(answer - 1);
  return question;
}

Result<Question> read_mmlu(const TaskSpec&, const Record& record) {
  constexpr std::array<std::string_view, 4> kLetters = {"A", "B", "C", "D"};
  const std::string text = PJ_TRY(record.text("question"));
  const std::vector<std::string> choices = PJ_TRY(record.texts("choices"));
  if (choices.size() != kLetters.size()) {
    return record.error(fmt::format("'choices' has {} entries, expected 4", choices.size()));
  }
  Question question;
  std::string& prompt = question.contexts.emplace_back(python_strip(text));
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    prompt += fmt::format("\n{}. {}", kLetters[i], choices[i]);
    question.endings.emplace_back(kLetters[i]);
  }
  prompt += "\nAnswer:";
  const Result<std::string> letter = record.text("answer");
  const bool is_letter = letter && letter->size() == 1 && *letter >= "A" && *letter <= "D";
  question.gold = is_letter ? static_cast<std::size_t>(letter->front() - 'A')
                            : PJ_TRY(read_gold(record, "answer", kLetters.size()));
  return question;
}

}  // namespace pajamas
