// SPDX-License-Identifier: Apache-2.0
#include "pipeline/journal.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              fmt::format("journal_test_{}_{}", ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name()) /
              ".pajamas";
  }
  void TearDown() override { fs::remove_all(folder_.parent_path()); }

  void write_two_entries() const {
    auto journal = Journal::open(folder_, "print");
    ASSERT_TRUE(journal) << journal.error().message;
    const std::vector<JournalEntry> entries = {{3, {{0.5, 2.0, 0.1}}}, {7, {{0.25, 4.0, 0.2}}}};
    ASSERT_TRUE(journal->append(entries));
  }
  void append_text(const std::string& text) const {
    const fs::path path = folder_ / "journal";
    const std::string old = read_text_file(path, 1 << 20).value();
    ASSERT_TRUE(write_file_atomic(path, old + text));
  }

  fs::path folder_;
};

TEST_F(JournalTest, GivesBackWhatAnEarlierRunWrote) {
  write_two_entries();
  const auto journal = Journal::open(folder_, "print");
  ASSERT_TRUE(journal);
  ASSERT_EQ(journal->done().size(), 2U);
  EXPECT_EQ(journal->done().at(7).stats[0].squared_error, 0.25);
  EXPECT_FALSE(journal->discarded_other());
}

TEST_F(JournalTest, ALastLineCutShortIsIgnoredAndOverwritten) {
  write_two_entries();
  append_text(R"({"tensor":9,"stats":[[0.1,)");
  {
    auto journal = Journal::open(folder_, "print");
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->done().size(), 2U);
    ASSERT_TRUE(journal->append(std::vector<JournalEntry>{{11, {{0, 1, 0}}}}));
  }
  const auto journal = Journal::open(folder_, "print");
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->done().size(), 3U);
  EXPECT_TRUE(journal->done().contains(11));
}

TEST_F(JournalTest, LinesThatAreNotOursEndTheHistory) {
  write_two_entries();
  append_text("{\"tensor\":-1,\"stats\":[]}\n{\"tensor\":12,\"stats\":[]}\n");
  const auto journal = Journal::open(folder_, "print");
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->done().size(), 2U);
}

TEST_F(JournalTest, AnotherPlanRemovesTheLeftovers) {
  write_two_entries();
  fs::create_directories(folder_ / "partial");
  ASSERT_TRUE(write_file_atomic(folder_ / "partial" / "x.gguf", "half"));
  const auto journal = Journal::open(folder_, "another print");
  ASSERT_TRUE(journal);
  EXPECT_TRUE(journal->discarded_other());
  EXPECT_TRUE(journal->done().empty());
  EXPECT_FALSE(fs::exists(folder_ / "partial"));
}

TEST_F(JournalTest, TheSealKeepsHashesAndSources) {
  {
    auto journal = Journal::open(folder_, "print");
    ASSERT_TRUE(journal);
    ASSERT_TRUE(journal->seal({{"a.gguf", "abc"}}, {{"model.safetensors", 12, "def"}}));
  }
  const auto journal = Journal::open(folder_, "print");
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->sealed().at("a.gguf"), "abc");
  ASSERT_EQ(journal->source_files().size(), 1U);
  EXPECT_EQ(journal->source_files()[0].bytes, 12U);
}

TEST_F(JournalTest, ASecondProcessIsRefused) {
  const auto journal = Journal::open(folder_, "print");
  ASSERT_TRUE(journal);
  const auto second = Journal::open(folder_, "print");  // its own open file: as another process
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("another process is converting"));
}

}  // namespace
}  // namespace pajamas
