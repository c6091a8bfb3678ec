// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_results.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::TempFolder;

ItemResult item(std::string subject, std::int64_t index, std::int64_t gold,
                std::vector<ChoiceResult> choices) {
  return {.subject = std::move(subject),
          .index = index,
          .prompt = "0123456789abcdef",
          .gold = gold,
          .choices = std::move(choices)};
}

const ResultsHeader kHeader{.task = "piqa", .few_shot = 2, .context = 512, .model = "abc"};

std::vector<ItemResult> some_items() {
  return {item("", 0, 1, {{-1.0 / 3, true, 2, 9}, {-20.25, false, 1, 4}}),
          item("", 1, 0, {{-4, false, 2, 9}, {-3, false, 1, 4}})};
}

std::string content(const std::filesystem::path& path) {
  return *read_text_file(path, std::uint64_t{1} << 20);
}

TEST(TaskResults, ComeBackFromTheirFileToTheBit) {
  const TempFolder folder;
  const auto path = folder.path() / "r.jsonl";
  {
    auto file = ResultsFile::open(path, kHeader);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->found().empty());
    ASSERT_TRUE(file->append({some_items()[0]}));
    ASSERT_TRUE(file->append({some_items()[1]}));
  }
  const auto again = ResultsFile::open(path, kHeader);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->found(), some_items());
}

TEST(TaskResults, GoOnBehindALineThatWasCutShort) {
  const TempFolder folder;
  const auto path = folder.path() / "r.jsonl";
  ASSERT_TRUE(ResultsFile::open(path, kHeader)->append(some_items()));
  const std::string whole = content(path);
  for (const std::size_t bytes : {whole.size() - 1, whole.size() - 30, std::size_t{20}}) {
    folder.write("r.jsonl", whole.substr(0, bytes));
    auto file = ResultsFile::open(path, kHeader);
    ASSERT_TRUE(file) << file.error().message;
    const std::size_t found = file->found().size();
    EXPECT_EQ(found, bytes == 20 ? 0U : 1U);
    const auto all = some_items();
    ASSERT_TRUE(file->append({all.begin() + static_cast<std::ptrdiff_t>(found), all.end()}));
    EXPECT_EQ(content(path), whole);
  }
}

TEST(TaskResults, OfAnotherRunAreAConflictAndStayAsTheyAre) {
  const TempFolder folder;
  const auto path = folder.path() / "r.jsonl";
  ASSERT_TRUE(ResultsFile::open(path, kHeader)->append(some_items()));
  const std::string before = content(path);
  ResultsHeader other = kHeader;
  other.model = "def";
  const auto refused = ResultsFile::open(path, other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("holds the results of another run"));
  EXPECT_EQ(content(path), before);
  const auto foreign = folder.write("notes.txt", "dear diary");
  EXPECT_EQ(ResultsFile::open(foreign, kHeader).error().code, ErrorCode::kConflict);
  EXPECT_EQ(content(foreign), "dear diary");
}

TEST(TaskResults, RejectLinesThatAreNoResults) {
  EXPECT_THAT(parse_item_line("{}", "x").error().message, HasSubstr("x: no 'subject'"));
  EXPECT_THAT(parse_item_line(R"({"subject": "", "index": 0, "prompt": "", "gold": 1,
      "choices": [{"log_probability": -1, "is_greedy": true, "tokens": 1, "characters": 1}]})",
                              "x")
                  .error()
                  .message,
              HasSubstr("'gold' is 1, expected 0 to 0"));
  EXPECT_THAT(parse_item_line(R"({"subject": "", "index": 0, "prompt": "", "gold": 0,
      "choices": []})",
                              "x")
                  .error()
                  .message,
              HasSubstr("no list of choices"));
  EXPECT_THAT(parse_item_line(R"({"subject": 5})", "x").error().message,
              HasSubstr("'subject' is 5, expected a string"));
  const TempFolder folder;
  const auto path = folder.path() / "r.jsonl";
  ASSERT_TRUE(ResultsFile::open(path, kHeader)->append(some_items()));
  folder.write("r.jsonl", content(path) + "{\"broken\n");
  EXPECT_THAT(ResultsFile::open(path, kHeader).error().message, HasSubstr("r.jsonl', line 4: "));
}

TEST(TaskScores, ChooseByEachMetric) {
  const ItemResult answered = item("", 0, 0, {{-6, false, 6, 12}, {-4, true, 2, 4}});
  EXPECT_FALSE(is_right(answered, TaskMetric::kAcc));
  EXPECT_TRUE(is_right(answered, TaskMetric::kAccNorm));
  EXPECT_TRUE(is_right(answered, TaskMetric::kAccToken));
  EXPECT_FALSE(is_right(answered, TaskMetric::kGreedy));
  // Of equal choices the first is taken; one without characters is never likeliest.
  EXPECT_TRUE(is_right(item("", 0, 0, {{-4, false, 1, 1}, {-4, false, 1, 1}}), TaskMetric::kAcc));
  EXPECT_FALSE(
      is_right(item("", 0, 0, {{-1, false, 1, 0}, {-9, false, 1, 1}}), TaskMetric::kAccNorm));
}

std::vector<ItemResult> subject_items(const std::string& subject, int right, int wrong) {
  std::vector<ItemResult> items;
  for (int i = 0; i < right + wrong; ++i) {
    items.push_back(item(subject, i, i < right ? 0 : 1, {{-1, true, 1, 1}, {-2, false, 1, 1}}));
  }
  return items;
}

TEST(TaskScores, AreMeansWithTheHarnesssStandardErrors) {
  const auto scores = score_items(*find_task("piqa"), subject_items("", 3, 1), 5);
  ASSERT_EQ(scores.size(), 2U);
  EXPECT_EQ(scores[0].task, "piqa");
  EXPECT_EQ(scores[0].metric, "acc");
  EXPECT_EQ(scores[1].metric, "acc_norm");
  EXPECT_DOUBLE_EQ(scores[0].value, 0.75);
  EXPECT_DOUBLE_EQ(scores[0].standard_error, 0.25);  // 0.5 / sqrt(4)
  EXPECT_EQ(scores[0].questions, 4);
  EXPECT_EQ(scores[0].few_shot, 5);
}

TEST(TaskScores, PoolTheSubjectsOfMmlu) {
  auto items = subject_items("anatomy", 3, 1);
  for (const auto& more : {subject_items("virology", 1, 1), subject_items("philosophy", 2, 0)}) {
    items.insert(items.end(), more.begin(), more.end());
  }
  const auto scores = score_items(*find_task("mmlu"), items, 0);
  std::vector<std::string> names;
  for (const TaskScore& score : scores) names.push_back(score.task);
  EXPECT_THAT(names, ElementsAre("mmlu", "mmlu_stem", "mmlu_humanities", "mmlu_other",
                                 "mmlu_anatomy", "mmlu_philosophy", "mmlu_virology"));
  EXPECT_DOUBLE_EQ(scores[0].value, 0.75);
  // Squared deviations 0.75 and 0.5 in 8 questions of 3 subjects.
  EXPECT_NEAR(scores[0].standard_error, std::sqrt(1.25 / 5 / 8), 1e-15);
  EXPECT_EQ(scores[0].questions, 8);
}

TEST(TaskScores, OneQuestionHasNoStandardError) {
  const auto scores = score_items(*find_task("boolq"), subject_items("", 1, 0), 0);
  EXPECT_TRUE(std::isnan(scores[0].standard_error));
}

}  // namespace
}  // namespace pajamas
