// SPDX-License-Identifier: Apache-2.0
// Rows of each task's data set, and the questions they become.
#include "evaluate/tasks/task_spec.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/tasks/mmlu_subjects.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

Result<Question> read(std::string_view task, std::string_view row) {
  const TaskSpec* spec = find_task(task);
  const Record record(Json::parse(row), std::make_shared<const std::string>("d"), "line", 1);
  return spec->read(*spec, record);
}

std::string error_of(std::string_view task, std::string_view row) {
  const auto question = read(task, row);
  return question ? "" : question.error().message;
}

TEST(TaskTable, NamesEachTaskOnce) {
  std::set<std::string_view> names;
  for (const TaskSpec& spec : task_table()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_EQ(find_task(spec.name), &spec);
    EXPECT_NE(spec.read, nullptr) << spec.name;
    EXPECT_FALSE(spec.metrics.empty()) << spec.name;
    EXPECT_FALSE(spec.source.empty()) << spec.name;
  }
  EXPECT_EQ(find_task("none"), nullptr);
}

TEST(TaskTable, MmluHas57SubjectsInFourCategories) {
  std::set<std::string_view> categories;
  for (const MmluSubject& subject : mmlu_subjects()) categories.insert(subject.category);
  EXPECT_EQ(mmlu_subjects().size(), 57U);
  EXPECT_THAT(categories, ElementsAre("humanities", "other", "social_sciences", "stem"));
  EXPECT_EQ(mmlu_description("us_foreign_policy"),
            "The following are multiple choice questions (with answers) about us foreign "
            "policy.\n\n");
}

TEST(Tasks, MmluPutsTheChoicesIntoThePrompt) {
  const Question question = *read("mmlu", R"({"question": " What?\n", "answer": 2,
      "choices": ["one", "two", "three", "four"], "subject": "anatomy"})");
  EXPECT_THAT(question.contexts, ElementsAre("What?\nA. one\nB. two\nC. three\nD. four\nAnswer:"));
  EXPECT_THAT(question.endings, ElementsAre("A", "B", "C", "D"));
  EXPECT_EQ(question.gold, 2U);
  EXPECT_EQ(read("mmlu", R"({"question": "", "answer": "D", "choices": ["", "", "", ""]})")->gold,
            3U);
}

TEST(Tasks, ArcFindsTheAnswerAmongTheLabels) {
  constexpr std::string_view kRow = R"({"question": "Why?", "answerKey": "3",
      "choices": {"text": ["a", "b", "c"], "label": ["1", "2", "3"]}})";
  const Question question = *read("arc_easy", kRow);
  EXPECT_THAT(question.contexts, ElementsAre("Question: Why?\nAnswer:"));
  EXPECT_THAT(question.endings, ElementsAre("a", "b", "c"));
  EXPECT_EQ(question.gold, 2U);
  EXPECT_EQ(read("arc_challenge", kRow)->contexts, question.contexts);
}

TEST(Tasks, HellaswagCleansUpWhatWikiHowLeaves) {
  const Question question = *read("hellaswag", R"({"activity_label": "Food",
      "ctx_a": "[header] How to cook [title] Buy  food. [a\nb]", "ctx_b": "the CHEF", "label": "1",
      "endings": [" [step] eat [title] it ", "[x]", "keep [open"]})");
  EXPECT_THAT(question.contexts, ElementsAre("Food: How to cook. Buy food. [a\nb] The chef"));
  EXPECT_THAT(question.endings, ElementsAre(" eat. it", "", "keep [open"));
  EXPECT_EQ(question.gold, 1U);
}

TEST(Tasks, WinograndeHasAContextForEachOption) {
  const Question question = *read("winogrande", R"({"sentence": "Ann met Bo, so _ was glad.",
      "option1": "Ann", "option2": "Bo", "answer": "2"})");
  EXPECT_THAT(question.contexts, ElementsAre("Ann met Bo, so Ann", "Ann met Bo, so Bo"));
  EXPECT_THAT(question.endings, ElementsAre("was glad."));
  EXPECT_EQ(question.gold, 1U);
  EXPECT_EQ(question.choices(), 2U);
  EXPECT_EQ(question.ending(1), "was glad.");
}

TEST(Tasks, PiqaBoolqAndOpenbookqaReadTheirFields) {
  const Question piqa = *read("piqa", R"({"goal": "g", "sol1": "s", "sol2": "t", "label": 1})");
  EXPECT_THAT(piqa.contexts, ElementsAre("Question: g\nAnswer:"));
  EXPECT_THAT(piqa.endings, ElementsAre("s", "t"));
  const Question boolq = *read("boolq", R"({"passage": "p", "question": "is it", "answer": true})");
  EXPECT_THAT(boolq.contexts, ElementsAre("p\nQuestion: is it?\nAnswer:"));
  EXPECT_THAT(boolq.endings, ElementsAre("no", "yes"));
  EXPECT_EQ(boolq.gold, 1U);
  const Question book = *read("openbookqa", R"({"question_stem": "It is", "answerKey": " B",
      "choices": {"text": ["a", "b"], "label": ["A", "B"]}})");
  EXPECT_THAT(book.contexts, ElementsAre("It is"));
  EXPECT_EQ(book.gold, 1U);
}

TEST(Tasks, TruthfulqaHasItsExamplesInThePrompt) {
  const Question question = *read("truthfulqa_mc1", R"({"question": "Is it {true}?",
      "mc1_targets": {"choices": ["Yes", "No"], "labels": [1, 0]}})");
  EXPECT_THAT(question.contexts.front(), StartsWith("Q: What is human life expectancy"));
  EXPECT_THAT(question.contexts.front(), EndsWith("Spain.\n\nQ: Is it {true}?\nA:"));
  EXPECT_EQ(question.gold, 0U);
}

TEST(Tasks, LlmFoundryRowsHaveTheirDelimiterBehindTheContext) {
  const Question choice = *read("llm_foundry_arc_easy", R"({"query": "q", "choices": ["a"],
      "gold": 0})");
  EXPECT_THAT(choice.contexts, ElementsAre("q\nAnswer:"));
  const Question schema = *read("llm_foundry_winogrande", R"({"context_options": ["x", "y"],
      "continuation": "z", "gold": 1})");
  EXPECT_THAT(schema.contexts, ElementsAre("x", "y"));
  EXPECT_THAT(schema.endings, ElementsAre("z"));
  const Question text = *read("llm_foundry_jeopardy", R"({"context": "c", "continuation": "d"})");
  EXPECT_THAT(text.contexts, ElementsAre("c\nAnswer:"));
  EXPECT_EQ(text.choices(), 1U);
}

TEST(Tasks, RejectRowsWithoutARightAnswer) {
  EXPECT_THAT(error_of("mmlu", R"({"question": "", "answer": 4, "choices": ["", "", "", ""]})"),
              HasSubstr("'d', line 1: 'answer' is 4, expected 0 to 3"));
  EXPECT_THAT(error_of("mmlu", R"({"question": "", "answer": "E", "choices": ["", "", "", ""]})"),
              HasSubstr("'answer' is \"E\", expected an integer"));
  EXPECT_THAT(error_of("mmlu", R"({"question": "", "answer": 0, "choices": [""]})"),
              HasSubstr("'choices' has 1 entries, expected 4"));
  EXPECT_THAT(error_of("arc_easy", R"({"question": "", "answerKey": "E",
      "choices": {"text": ["a"], "label": ["A"]}})"),
              HasSubstr("'answerKey' is 'E', expected the label of one of the 1 choices"));
  EXPECT_THAT(error_of("arc_easy", R"({"question": "", "answerKey": "B",
      "choices": {"text": ["a"], "label": ["A", "B"]}})"),
              HasSubstr("expected the label of one"));
  EXPECT_THAT(error_of("piqa", R"({"goal": "", "sol1": "", "sol2": "", "label": -1})"),
              HasSubstr("the answers of this split are hidden"));
  EXPECT_THAT(error_of("hellaswag", R"({"activity_label": "", "ctx_a": "", "ctx_b": "",
      "endings": [], "label": "0"})"),
              HasSubstr("'endings' is empty"));
  EXPECT_THAT(error_of("winogrande", R"({"sentence": "none", "option1": "", "option2": "",
      "answer": "1"})"),
              HasSubstr("has no blank"));
  EXPECT_THAT(error_of("winogrande", R"({"sentence": "_", "option1": "", "option2": "",
      "answer": "3"})"),
              HasSubstr("'answer' is 3, expected 1 or 2"));
  EXPECT_THAT(error_of("truthfulqa_mc1", R"({"question": "", "mc1_targets": {"choices": ["a"],
      "labels": [0]}})"),
              HasSubstr("'mc1_targets.labels' does not begin with 1"));
  EXPECT_THAT(error_of("llm_foundry_copa", R"({"query": "", "choices": [], "gold": 0})"),
              HasSubstr("'choices' is empty"));
}

}  // namespace
}  // namespace pajamas
