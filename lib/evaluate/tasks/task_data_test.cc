// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::TempFolder;

// PIQA rows with the goals "<prefix>0", "<prefix>1", ...
std::string piqa_rows(std::string_view prefix, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += fmt::format("{{\"goal\": \"{}{}\", \"sol1\": \"s\", \"sol2\": \"t\", \"label\": 1}}\n",
                        prefix, i);
  }
  return text;
}

Result<TaskData> load(std::string_view task, const TaskDataOptions& options) {
  return load_task_data(*find_task(task), options);
}

TEST(TaskData, FindsTheSplitsOfAFolderByTheWordsOfTheirNames) {
  const TempFolder folder;
  folder.write("PIQA-Valid.jsonl", piqa_rows("q", 3));
  folder.write("train-00000-of-00001.jsonl", piqa_rows("e", 5));
  folder.write("notes.txt", "valid");
  const auto data = load("piqa", {.questions = folder.path(), .few_shot = 2, .limit = 2});
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->sets.size(), 1U);
  EXPECT_EQ(data->question_count(), 2);
  const auto requests = data->sets[0].requests(1);
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_THAT(requests[0].context, StartsWith("Question: e"));
  EXPECT_THAT(requests[0].context, HasSubstr("\nAnswer: t\n\nQuestion: e"));
  EXPECT_THAT(requests[0].context, EndsWith("\nAnswer: t\n\nQuestion: q1\nAnswer:"));
  EXPECT_EQ(requests[1].continuation, " t");
}

TEST(TaskData, AQuestionIsNoExampleForItself) {
  const TempFolder folder;
  const auto rows = folder.write("train.jsonl", piqa_rows("q", 3));
  const auto data = load("piqa", {.questions = rows, .examples = rows, .few_shot = 2});
  ASSERT_TRUE(data) << data.error().message;
  for (std::size_t index = 0; index < 3; ++index) {
    for (const std::size_t drawn : data->sets[0].drawn[index]) EXPECT_NE(drawn, index);
  }
  const auto same = folder.write(
      "same.jsonl", piqa_rows("q", 1) + piqa_rows("q", 1) + piqa_rows("q", 1) + piqa_rows("r", 1));
  EXPECT_THAT(load("piqa", {.questions = same, .examples = same, .few_shot = 2}).error().message,
              HasSubstr("only 1 rows differ from this question, but 2 examples are needed"));
}

constexpr std::string_view kMmluCsv =
    "\"What, then?\",one,two,three,four,B\nWhy?,1,2,3,4,D\nHow?,5,6,7,8,A\n";

TEST(TaskData, ReadsMmluAsItsAuthorsPublishIt) {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "test");
  std::filesystem::create_directories(folder.path() / "dev");
  folder.write("test/world_religions_test.csv", kMmluCsv);
  folder.write("test/anatomy_test.csv", kMmluCsv);
  folder.write("dev/anatomy_dev.csv", "question,A,B,C,D,answer\nWho?,a,b,c,d,2\nX?,e,f,g,h,1\n");
  folder.write("dev/world_religions_dev.csv", "Y?,a,b,c,d,A\n");
  const auto data = load("mmlu", {.questions = folder.path(), .few_shot = 1});
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->sets.size(), 2U);
  EXPECT_EQ(data->sets[0].subject, "anatomy");
  EXPECT_EQ(data->question_count(), 6);
  const auto requests = data->sets[0].requests(0);
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(requests[3].context,
            "The following are multiple choice questions (with answers) about anatomy.\n\n"
            "Who?\nA. a\nB. b\nC. c\nD. d\nAnswer: C\n\n"
            "What, then?\nA. one\nB. two\nC. three\nD. four\nAnswer:");
  EXPECT_EQ(requests[3].continuation, " D");
  const auto one = load("mmlu", {.questions = folder.path() / "test/anatomy_test.csv"});
  EXPECT_EQ(one->sets.size(), 1U);
  EXPECT_TRUE(one->sets[0].drawn.empty());
}

TEST(TaskData, ReadsMmluAsRowsOfAllSubjects) {
  const TempFolder folder;
  const auto rows = folder.write(
      "test.jsonl",
      R"({"question": "b?", "subject": "virology", "choices": ["1", "2", "3", "4"], "answer": 0}
{"question": "a?", "subject": "anatomy", "choices": ["1", "2", "3", "4"], "answer": 3}
{"question": "c?", "subject": "virology", "choices": ["1", "2", "3", "4"], "answer": 1}
)");
  const auto data = load("mmlu", {.questions = rows});
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->sets.size(), 2U);
  EXPECT_EQ(data->sets[1].subject, "virology");
  EXPECT_EQ(data->sets[1].questions.size(), 2U);
  const auto limited = load("mmlu", {.questions = rows, .limit = 1});
  EXPECT_EQ(limited->question_count(), 2);
}

TEST(TaskData, RejectsFoldersAndFilesThatAreNotTheTask) {
  const TempFolder folder;
  EXPECT_THAT(load("piqa", {.questions = folder.path()}).error().message,
              HasSubstr("has 0 files of the validation split, expected one"));
  folder.write("val.jsonl", piqa_rows("q", 1));
  folder.write("dev.jsonl", piqa_rows("q", 1));
  EXPECT_THAT(load("piqa", {.questions = folder.path()}).error().message,
              HasSubstr("has 2 files of the validation split: dev.jsonl, val.jsonl"));
  const auto alone = folder.path() / "val.jsonl";
  EXPECT_THAT(load("piqa", {.questions = alone, .few_shot = 1}).error().message,
              AllOf(HasSubstr("1 examples are to stand before each question of piqa"),
                    HasSubstr("0 files of the train split")));
  EXPECT_THAT(load("boolq", {.questions = alone}).error().message,
              HasSubstr("val.jsonl', line 1: no field 'passage'"));
  EXPECT_EQ(load("piqa", {.questions = folder.path() / "none.jsonl"}).error().code,
            ErrorCode::kNotFound);
  const auto subject = folder.write("x_test.csv", kMmluCsv);
  EXPECT_THAT(load("mmlu", {.questions = subject}).error().message,
              HasSubstr("'x' is no subject of MMLU"));
  const auto cells = folder.write("anatomy_test.csv", "What?,a,b,c,d,A\nWhat?,a,b,A\n");
  EXPECT_THAT(load("mmlu", {.questions = cells}).error().message,
              HasSubstr("line 2: 4 cells, expected 6: question, A, B, C, D, answer"));
  EXPECT_THAT(load("mmlu", {.questions = cells, .few_shot = 1}).error().message,
              HasSubstr("line 2: 4 cells"));
}

TEST(TaskData, RejectsOptionsThatMakeNoSense) {
  const TempFolder folder;
  const auto rows = folder.write("rows.jsonl", piqa_rows("q", 3));
  EXPECT_THAT(load("piqa", {.questions = rows, .few_shot = -1}).error().message,
              HasSubstr("expected 0 to 256"));
  EXPECT_THAT(load("piqa", {.questions = rows, .limit = -1}).error().message,
              HasSubstr("a limit of -1"));
  EXPECT_THAT(load("truthfulqa_mc1", {.questions = rows, .few_shot = 1}).error().message,
              HasSubstr("is asked without examples"));
  EXPECT_THAT(load("piqa", {.questions = rows, .examples = rows, .few_shot = 3}).error().message,
              HasSubstr("has 3 rows to take examples from, but 4 are needed"));
}

}  // namespace
}  // namespace pajamas
