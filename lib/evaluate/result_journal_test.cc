// SPDX-License-Identifier: Apache-2.0
#include "evaluate/result_journal.h"

#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing_support::TempFolder;

ResultJournal open(const TempFolder& folder, std::string_view fingerprint = "a") {
  auto journal = ResultJournal::open(folder.path(), fingerprint, 0);
  EXPECT_TRUE(journal.has_value());
  return std::move(*journal);
}

TEST(ResultJournal, KnowsWhatAnEarlierRunSaved) {
  const TempFolder folder;
  {
    ResultJournal journal = open(folder);
    EXPECT_EQ(journal.find("x"), nullptr);
    journal.put("x", 1);
    journal.put("y", {{"nll", 0.1}});
    EXPECT_TRUE(journal.is_save_due());
    ASSERT_TRUE(journal.save());
    journal.put("x", 2);
    ASSERT_TRUE(journal.save());
    journal.put("z", "never saved");
  }
  const ResultJournal journal = open(folder);
  EXPECT_EQ(journal.size(), 2U);
  EXPECT_EQ(*journal.find("x"), 2);
  EXPECT_EQ(*journal.find("y"), (Json{{"nll", 0.1}}));
  EXPECT_EQ(open(folder, "b").size(), 0U);  // other settings
}

TEST(ResultJournal, IgnoresALineThatWasCutShortAndGoesOnBehindTheRest) {
  const TempFolder folder;
  {
    ResultJournal journal = open(folder);
    journal.put("x", 1);
    ASSERT_TRUE(journal.save());
  }
  const std::string saved = *read_text_file(folder.path() / "a.jsonl", 1000);
  folder.write("a.jsonl", saved + R"({"key": "y", "val)");
  {
    ResultJournal journal = open(folder);
    EXPECT_EQ(journal.size(), 1U);
    journal.put("z", 3);
    ASSERT_TRUE(journal.save());
  }
  EXPECT_EQ(open(folder).size(), 2U);
}

TEST(ResultJournal, ForgetsKeysThatBeginSo) {
  ResultJournal journal;
  journal.put("windows/1", 1);
  journal.put("hf/1", 1);
  journal.forget("windows");
  EXPECT_EQ(journal.find("windows/1"), nullptr);
  EXPECT_NE(journal.find("hf/1"), nullptr);
  EXPECT_TRUE(journal.save().has_value());  // nowhere
}

}  // namespace
}  // namespace pajamas
