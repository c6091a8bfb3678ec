// SPDX-License-Identifier: Apache-2.0
#include "formats/printable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::HasSubstr;

TEST(Printable, LeavesPlainNamesAlone) {
  EXPECT_EQ(printable("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
}

TEST(Printable, EscapesWhatATerminalWouldActOn) {
  EXPECT_EQ(printable(std::string_view("\x1b[2J\0\n\\\xff", 8)), "\\x1b[2J\\x00\\x0a\\x5c\\xff");
}

TEST(Printable, CutsLongTextShort) {
  EXPECT_EQ(printable(std::string(1000, 'x')), std::string(80, 'x') + "...");
}

TEST(DescribeForeignStart, RecognisesCommonMixUps) {
  EXPECT_THAT(describe_foreign_start("version https://git-lfs.github.com/spec/v1"),
              HasSubstr("git lfs pull"));
  EXPECT_THAT(describe_foreign_start("vers"), HasSubstr("git lfs pull"));
  EXPECT_THAT(describe_foreign_start("GGUF"), HasSubstr("a GGUF file"));
  EXPECT_THAT(describe_foreign_start("tjgg"), HasSubstr("older than GGUF"));
  EXPECT_THAT(describe_foreign_start("<!DOCTYPE html>"), HasSubstr("a web page"));
  EXPECT_THAT(describe_foreign_start("PK\x03\x04"), HasSubstr("pickles"));
  EXPECT_EQ(describe_foreign_start("abcd"), "");
  EXPECT_EQ(describe_foreign_start(""), "");
}

}  // namespace
}  // namespace pajamas
