// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              fmt::format("file_test_{}_{}", ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(FileTest, ReadPastTheEndIsAnErrorThatNamesFileAndOffset) {
  ASSERT_TRUE(write_file_atomic(folder_ / "a", "hello"));
  const auto file = File::open_read(folder_ / "a");
  ASSERT_TRUE(file);
  std::array<std::byte, 8> buffer{};
  const Status status = file->read_at(2, buffer);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidData);
  EXPECT_THAT(status.error().message, HasSubstr("ends at offset 5, but 5 more bytes"));
}

TEST_F(FileTest, AFifoIsRefusedWithoutBlocking) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const auto file = File::open_read(folder_ / "pipe");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(file.error().message, HasSubstr("is a FIFO, expected a regular file"));
}

TEST_F(FileTest, AFolderIsRefused) {
  const auto file = File::open_read(folder_);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("is a folder"));
}

TEST_F(FileTest, AtomicWriteReplacesTheWholeContent) {
  ASSERT_TRUE(write_file_atomic(folder_ / "a", "a long first content"));
  ASSERT_TRUE(write_file_atomic(folder_ / "a", "short"));
  EXPECT_EQ(read_text_file(folder_ / "a", 100).value(), "short");
  EXPECT_FALSE(fs::exists(folder_ / "a.partial"));
}

TEST_F(FileTest, ATextFileOverTheLimitIsNotRead) {
  ASSERT_TRUE(write_file_atomic(folder_ / "a", "12345678"));
  EXPECT_FALSE(read_text_file(folder_ / "a", 7));
}

TEST_F(FileTest, WritesLandAtTheirOffsetsWhateverTheirOrder) {
  const auto file = File::open_write(folder_ / "a");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write_at(3, std::as_bytes(std::span("def", 3))));
  ASSERT_TRUE(file->write_at(0, std::as_bytes(std::span("abc", 3))));
  EXPECT_EQ(file->size_bytes().value(), 6U);
  ASSERT_TRUE(file->resize(5));
  EXPECT_EQ(read_text_file(folder_ / "a", 100).value(), "abcde");
}

TEST_F(FileTest, ReservedSpaceReadsAsZeros) {
  const auto file = File::open_write(folder_ / "a");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->reserve(3));
  EXPECT_EQ(read_text_file(folder_ / "a", 100).value(), std::string(3, '\0'));
}

TEST_F(FileTest, AReservationTheDiskCannotHoldIsNoSpace) {
  const auto file = File::open_write(folder_ / "a");
  ASSERT_TRUE(file);
  const Status status = file->reserve(std::uint64_t{1} << 50);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("cannot reserve space for"));
}

TEST_F(FileTest, AMissingFileIsNotFoundAndNamesThePath) {
  const auto file = File::open_read(folder_ / "gone");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(file.error().message, HasSubstr((folder_ / "gone").string()));
}

TEST_F(FileTest, ASymbolicLinkIsNotWrittenThrough) {
  ASSERT_TRUE(write_file_atomic(folder_ / "target", "kept"));
  fs::create_symlink(folder_ / "target", folder_ / "link");
  EXPECT_FALSE(File::open_write(folder_ / "link"));
  EXPECT_EQ(read_text_file(folder_ / "target", 100).value(), "kept");
}

TEST_F(FileTest, ARenameReplacesTheOldFile) {
  ASSERT_TRUE(write_file_atomic(folder_ / "new", "new"));
  ASSERT_TRUE(write_file_atomic(folder_ / "a", "old"));
  ASSERT_TRUE(rename_durable(folder_ / "new", folder_ / "a"));
  EXPECT_EQ(read_text_file(folder_ / "a", 100).value(), "new");
  const Status missing = rename_durable(folder_ / "new", folder_ / "a");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, RemovingWhatIsNotThereIsFineAndAFullFolderIsNot) {
  EXPECT_TRUE(remove_file_if_present(folder_ / "gone"));
  EXPECT_FALSE(remove_file_if_present(folder_));
}

TEST_F(FileTest, FreeSpaceOfAMissingFolderIsAnError) {
  EXPECT_GT(free_disk_bytes(folder_).value(), 0U);
  EXPECT_EQ(free_disk_bytes(folder_ / "gone").error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, AMapWhoseFileShrinksReadsZerosAndSaysSo) {
  ASSERT_TRUE(write_file_atomic(folder_ / "a", std::string(3 * 65536, 'x')));
  const auto map = MappedFile::open(folder_ / "a");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->bytes()[3 * 65536 - 1], std::byte{'x'});
  ASSERT_TRUE(map->check_intact());
  ASSERT_EQ(::truncate((folder_ / "a").c_str(), 65536), 0);
  const std::byte last = map->bytes()[3 * 65536 - 1];
  EXPECT_EQ(last, std::byte{0});
  const Status status = map->check_intact();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("shrank while it was being read"));
}

}  // namespace
}  // namespace pajamas
