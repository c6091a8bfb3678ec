// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/data_text.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::TempFolder;

std::string text_error_of(std::string_view bytes) {
  const auto text = check_data_text(std::string(bytes), "'x'");
  return text ? "" : text.error().message;
}

TEST(DataText, LeavesOutAByteOrderMark) {
  EXPECT_EQ(*check_data_text("\xef\xbb\xbfgr\xc3\xbc\xc3\x9f", "x"), "gr\xc3\xbc\xc3\x9f");
}

TEST(DataText, RejectsWhatIsNoTextAndSaysWhatItIs) {
  const std::string zero("one\ntw\0o", 8);
  EXPECT_THAT(text_error_of(""), HasSubstr("'x' is empty"));
  EXPECT_THAT(text_error_of("\xef\xbb\xbf"), HasSubstr("'x' is empty"));
  EXPECT_THAT(text_error_of(zero), HasSubstr("'x', line 2: a zero byte"));
  EXPECT_THAT(text_error_of("a\nb\n\xff"),
              AllOf(HasSubstr("'x', line 3: the byte 0xff at offset 4")));
  EXPECT_THAT(text_error_of("\xed\xa0\x80"), HasSubstr("not UTF-8"));  // a surrogate
  EXPECT_THAT(text_error_of(std::string("PAR1\0", 5)), HasSubstr("a Parquet file"));
  EXPECT_THAT(text_error_of("\x1f\x8b\x08"), HasSubstr("compressed by gzip"));
  EXPECT_THAT(text_error_of(std::string("\xff\xfe"
                                        "a\0",
                                        4)),
              HasSubstr("UTF-16"));
  EXPECT_THAT(text_error_of("version https://git-lfs.github.com/spec/v1\noid"),
              HasSubstr("a Git LFS pointer"));
}

TEST(DataText, RejectsWhatIsNoRegularFileWithoutWaiting) {
  const TempFolder folder;
  const auto fifo = folder.path() / "fifo.jsonl";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(read_data_text(fifo, 100).error().message, HasSubstr("is a FIFO"));
  EXPECT_THAT(read_data_text(folder.path(), 100).error().message, HasSubstr("is a folder"));
  EXPECT_EQ(read_data_text(folder.path() / "none", 100).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(read_data_text(folder.write("big", "12345"), 4).error().message,
              HasSubstr("has 5 bytes, expected at most 4"));
}

}  // namespace
}  // namespace pajamas
