// SPDX-License-Identifier: Apache-2.0
#include "formats/file_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;

std::string counting_bytes(std::size_t count) {
  std::string content(count, '\0');
  for (std::size_t place = 0; place < count; ++place) {
    content[place] = static_cast<char>(place * 31 % 251);
  }
  return content;
}

TEST(FileCursor, ReadsTheSameBytesInAnyMixOfSizes) {
  const TempFolder folder;
  const std::string content = counting_bytes(300'000);
  const auto file = File::open_read(folder.write("a", content));
  FileCursor cursor = FileCursor::at_start(*file).value();
  std::string found;
  for (const int bytes : {1, 65'535, 10, 0, 100'000, 3, 65'536, 60'000}) {
    found += cursor.read_text(static_cast<std::uint64_t>(bytes), "a piece").value();
  }
  EXPECT_EQ(found, content.substr(0, found.size()));
  EXPECT_EQ(cursor.offset(), found.size());
  EXPECT_EQ(cursor.remaining(), content.size() - found.size());
}

TEST(FileCursor, ReadsNumbersLittleEndian) {
  const TempFolder folder;
  const auto file = File::open_read(folder.write("a", std::string("\1\2\3\4\0\0\x80\x3f", 8)));
  FileCursor cursor = FileCursor::at_start(*file).value();
  EXPECT_EQ(cursor.read<std::uint32_t>("a number").value(), 0x04030201U);
  EXPECT_EQ(cursor.read<float>("a number").value(), 1.0F);
}

TEST(FileCursor, AReadPastTheEndNamesWhatAndWhereAndMovesNothing) {
  const TempFolder folder;
  const auto file = File::open_read(folder.write("a", "12345"));
  FileCursor cursor = FileCursor::at_start(*file).value();
  EXPECT_EQ(cursor.read<std::uint16_t>("a number").value(), 0x3231);
  const auto text = cursor.read_text(~std::uint64_t{0}, "the name");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message,
              HasSubstr("the name at offset 2 needs 18446744073709551615 bytes, but only 3"));
  EXPECT_EQ(cursor.offset(), 2U);
}

TEST(FileCursor, AFileThatShrinksUnderItIsAnError) {
  const TempFolder folder;
  const auto path = folder.write("a", counting_bytes(200'000));
  const auto file = File::open_read(path);
  FileCursor cursor = FileCursor::at_start(*file).value();
  std::filesystem::resize_file(path, 10);
  const auto text = cursor.read_text(20, "the name");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("ends at offset 10"));
}

}  // namespace
}  // namespace pajamas
