// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/csv_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string csv_error_of(std::string_view text) {
  const auto rows = parse_csv(text, "'x.csv'");
  return rows ? "" : rows.error().message;
}

TEST(CsvRows, CellsInQuotesHoldCommasLineEndsAndQuotes) {
  const auto rows = *parse_csv("a,\"b, c\",\"d\ne\"\r\n\"say \"\"hi\"\"\",,\n", "x");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_THAT(rows[0].cells, ElementsAre("a", "b, c", "d\ne"));
  EXPECT_THAT(rows[1].cells, ElementsAre("say \"hi\"", "", ""));
  EXPECT_EQ(rows[1].line, 3);
}

TEST(CsvRows, AQuoteInsideAPlainCellIsAnOrdinaryCharacter) {
  EXPECT_THAT(parse_csv("5\" wide,b\"c\"", "x")->front().cells, ElementsAre("5\" wide", "b\"c\""));
}

TEST(CsvRows, TheLastLineNeedsNoEndAndBlankLinesAreNoRows) {
  const auto rows = *parse_csv("a\n\n\r\nb", "x");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].line, 4);
}

TEST(CsvRows, ACommaAtTheEndOfTheFileBeginsAnEmptyCell) {
  EXPECT_THAT(parse_csv("a,", "x")->front().cells, ElementsAre("a", ""));
}

TEST(CsvRows, RejectsAQuoteThatIsNeverClosedWithItsLine) {
  EXPECT_THAT(csv_error_of("a,b\nc,\"d\ne,f\n"),
              HasSubstr("'x.csv', line 2: the quote that begins a cell is never closed"));
}

TEST(CsvRows, RejectsTextBehindAClosingQuote) {
  EXPECT_THAT(csv_error_of("\"a\nb\"c,d\n"), HasSubstr("'x.csv', line 2: 'c,d"));
}

TEST(CsvRows, RejectsARowOfTooManyCells) {
  EXPECT_THAT(csv_error_of("a\n" + std::string(100000, ',')),
              HasSubstr("'x.csv', line 2: more than 65536 cells"));
}

}  // namespace
}  // namespace pajamas
