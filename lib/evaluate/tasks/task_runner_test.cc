// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/testing/example_model.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::ExampleModel;
using testing_support::open_example;
using testing_support::TempFolder;

std::string story_rows(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += fmt::format(
        R"({{"goal": "Where did {} dogs go?", "sol1": "to the park.", "sol2": "xq zz", "label": 0}})",
        i);
    text += '\n';
  }
  return text;
}

Result<TaskRun> run(const ExampleModel& model, const TaskRequest& request,
                    const CancelToken& cancel = CancelToken()) {
  SilentProgress progress;
  return run_task(*model.engine, *model.text, request, cancel, progress);
}

TEST(TaskRunner, AsksEachQuestionAndScoresTheAnswers) {
  const ExampleModel model = open_example({.threads = 1, .cache_positions = 2048});
  const TempFolder folder;
  const auto data = folder.write("val.jsonl", story_rows(70));
  const auto done = run(model, {.name = "piqa", .data = data});
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->items.size(), 70U);
  EXPECT_EQ(done->items[69].index, 69);
  EXPECT_EQ(done->items[0].choices[0].characters, 12);
  ASSERT_EQ(done->scores.size(), 2U);
  EXPECT_EQ(done->scores[0].value, 1.0);
  EXPECT_EQ(done->scores[0].questions, 70);
}

TEST(TaskRunner, GoesOnFromAResultsFile) {
  const ExampleModel model = open_example({.threads = 1, .cache_positions = 2048});
  const TempFolder folder;
  const auto data = folder.write("val.jsonl", story_rows(20));
  TaskRequest request{.name = "piqa", .data = data, .limit = 12};
  request.results = folder.path() / "results.jsonl";
  const auto first = run(model, request);
  ASSERT_TRUE(first) << first.error().message;
  request.limit = 0;
  const auto second = run(model, request);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->resumed_items, 12);
  EXPECT_EQ(second->items, run(model, {.name = "piqa", .data = data})->items);
  EXPECT_EQ(run(model, request)->computed_tokens, 0);
}

TEST(TaskRunner, RefusesAResultsFileOfOtherQuestionsOrExamples) {
  const ExampleModel model = open_example({.threads = 1});
  const TempFolder folder;
  TaskRequest request{.name = "piqa", .data = folder.write("val.jsonl", story_rows(3))};
  request.results = folder.path() / "results.jsonl";
  ASSERT_TRUE(run(model, request));
  folder.write("val.jsonl", "{\"goal\": \"g\", \"sol1\": \"s\", \"sol2\": \"t\", \"label\": 0}\n");
  const auto changed = run(model, request);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kConflict);
  EXPECT_THAT(changed.error().message, HasSubstr("piqa: '"));
  EXPECT_THAT(changed.error().message, HasSubstr("holds another question 0 than the data"));
  folder.write("train.jsonl", story_rows(3));
  request.few_shot = 1;
  EXPECT_THAT(run(model, request).error().message, HasSubstr("results of another run"));
}

TEST(TaskRunner, SaysWhichTasksThereAre) {
  const ExampleModel model = open_example({.threads = 1});
  EXPECT_THAT(run(model, {.name = "mmul", .data = "x"}).error().message,
              HasSubstr("there is no task 'mmul'; the tasks are mmlu, hellaswag, arc_easy"));
  EXPECT_EQ(known_tasks().front().name, "mmlu");
  EXPECT_TRUE(known_tasks().front().takes_examples);
}

TEST(TaskRunner, StopsWhenCancelled) {
  const ExampleModel model = open_example({.threads = 1});
  const TempFolder folder;
  CancelToken cancelled;
  cancelled.cancel();
  const auto stopped =
      run(model, {.name = "piqa", .data = folder.write("val.jsonl", story_rows(3))}, cancelled);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace pajamas
