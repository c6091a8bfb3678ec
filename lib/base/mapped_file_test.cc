// SPDX-License-Identifier: Apache-2.0
// What happens when the file shrinks under its map is in file_test.cc.
#include "base/mapped_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

class MappedFileTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }
  fs::path path_ = fs::path(testing::TempDir()) / fmt::format("mapped_file_test_{}", ::getpid());
};

TEST_F(MappedFileTest, ShowsTheBytesOfTheFile) {
  ASSERT_TRUE(write_file_atomic(path_, "abc"));
  const auto map = MappedFile::open(path_);
  ASSERT_TRUE(map);
  ASSERT_EQ(map->bytes().size(), 3U);
  EXPECT_EQ(map->bytes()[2], std::byte{'c'});
  EXPECT_TRUE(map->check_intact());
}

TEST_F(MappedFileTest, AnEmptyFileIsAnEmptySpan) {
  ASSERT_TRUE(write_file_atomic(path_, ""));
  const auto map = MappedFile::open(path_);
  ASSERT_TRUE(map);
  EXPECT_TRUE(map->bytes().empty());
  EXPECT_TRUE(map->check_intact());
}

TEST_F(MappedFileTest, AMissingFileAndAFifoAreErrors) {
  const auto missing = MappedFile::open(path_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto fifo = MappedFile::open(path_);
  ASSERT_FALSE(fifo);
  EXPECT_EQ(fifo.error().code, ErrorCode::kUnsupported);
}

TEST_F(MappedFileTest, AMovedMapKeepsItsBytesAndLeavesNothingBehind) {
  ASSERT_TRUE(write_file_atomic(path_, "abc"));
  MappedFile first = MappedFile::open(path_).value();
  MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().size(), 3U);
  EXPECT_TRUE(first.bytes().empty());  // NOLINT(bugprone-use-after-move): what is tested
}

TEST_F(MappedFileTest, ATornMapDoesNotTaintALaterOne) {
  constexpr std::size_t kBytes = 1 << 20;
  ASSERT_TRUE(write_file_atomic(path_, std::string(kBytes, 'x')));
  {
    const MappedFile torn = MappedFile::open(path_).value();
    ASSERT_EQ(::truncate(path_.c_str(), 1), 0);
    const std::byte last = torn.bytes()[kBytes - 1];
    EXPECT_EQ(last, std::byte{0});
    EXPECT_FALSE(torn.check_intact());
  }
  ASSERT_TRUE(write_file_atomic(path_, std::string(kBytes, 'y')));
  const MappedFile fresh = MappedFile::open(path_).value();
  EXPECT_EQ(fresh.bytes()[kBytes - 1], std::byte{'y'});
  EXPECT_TRUE(fresh.check_intact());
}

}  // namespace
}  // namespace pajamas
