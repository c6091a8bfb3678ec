// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/data/corpus.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing_support::TempFolder;

std::string read_error(std::string_view name, std::string_view content) {
  const TempFolder folder;
  const auto file = read_records(folder.write(name, content));
  return file ? "" : file.error().message;
}

constexpr std::string_view kServerRows =
    R"({"features": [{"name": "text"}], "rows": [
        {"row_idx": 0, "row": {"text": "one", "n": 1}, "truncated_cells": []},
        {"row_idx": 1, "row": {"text": "two", "n": 2}, "truncated_cells": []}],
        "num_rows_total": 2})";

struct Layout {
  std::string_view name;
  std::string_view content;
  DataFormat format;
};

TEST(RecordFile, GivesTheSameRowsFromEveryFormat) {
  const auto layouts = std::to_array<Layout>({
      {"a.jsonl", "{\"text\": \"one\", \"n\": 1}\n\n{\"text\": \"two\", \"n\": 2}",
       DataFormat::kJsonLines},
      {"lines.json", "{\"text\": \"one\", \"n\": 1}\r\n{\"text\": \"two\", \"n\": 2}\r\n",
       DataFormat::kJsonLines},
      {"server.json", kServerRows, DataFormat::kJsonRows},
      {"array.json", R"([{"text": "one", "n": 1}, {"text": "two", "n": 2}])",
       DataFormat::kJsonRows},
      {"no_extension", R"([{"text": "one", "n": 1}, {"text": "two", "n": 2}])",
       DataFormat::kJsonRows},
      {"one_line", R"({"rows": [{"text": "one", "n": 1}, {"text": "two", "n": 2}]})",
       DataFormat::kJsonRows},
      {"a.CSV", "text,n\none,1\n\"two\",2\n", DataFormat::kCsv},
  });
  const TempFolder folder;
  for (const Layout& layout : layouts) {
    const auto file = read_records(folder.write(layout.name, layout.content));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->format, layout.format) << layout.name;
    ASSERT_EQ(file->records.size(), 2U) << layout.name;
    EXPECT_EQ(*file->records[0].text("text"), "one") << layout.name;
    EXPECT_EQ(*file->records[1].integer("n"), 2) << layout.name;
  }
}

TEST(RecordFile, TakesBracketsAndBracesInATextForText) {
  EXPECT_EQ(detect_data_format("x", "[Illustration]\n\nA story."), DataFormat::kText);
  EXPECT_EQ(detect_data_format("wiki.raw", "{this} is text"), DataFormat::kText);
  EXPECT_EQ(detect_data_format("x.txt", "{\"text\": 1}"), DataFormat::kText);
}

TEST(RecordFile, RejectsRowsThatDisagreeWithTheirFormat) {
  EXPECT_THAT(read_error("a.jsonl", "{\"a\": 1}\n{\"a\": }\n"), HasSubstr("a.jsonl', line 2: "));
  EXPECT_THAT(read_error("a.jsonl", "{\"a\": 1}\n[1]\n"),
              HasSubstr("line 2: the row is array, expected an object"));
  EXPECT_THAT(read_error("a.jsonl", "{\"a\": 1, \"a\": 2}\n"), HasSubstr("stands twice"));
  EXPECT_THAT(read_error("a.json", "{\"a\": 1,\n\"b\": 2}"), HasSubstr("without a list 'rows'"));
  EXPECT_THAT(read_error("a.json", "[{\"a\": 1}, 2]"), HasSubstr("row 2: the row is number"));
  EXPECT_THAT(read_error("a.json", "[]"), HasSubstr("has no rows"));
  EXPECT_THAT(read_error("a.jsonl", "\n \n"), HasSubstr("has no rows"));
  EXPECT_THAT(read_error("a.csv", "a,b\n"), HasSubstr("has no rows"));
  EXPECT_THAT(read_error("a.csv", "a,b\n1,2\n3\n"), HasSubstr("line 3: 1 cells, expected the 2"));
  EXPECT_THAT(read_error("a.csv", "a,a\n1,2\n"), HasSubstr("two fields are called 'a'"));
  EXPECT_THAT(read_error("a.txt", "text"), HasSubstr("is plain text, expected rows"));
}

TEST(RecordFile, RejectsDeepNestingAndGiantLines) {
  const std::string deep = "{\"a\": " + std::string(100000, '[');
  EXPECT_THAT(read_error("a.jsonl", deep), HasSubstr("line 1: nested deeper than 32 levels"));
  EXPECT_THAT(read_error("a.json", "[" + deep), HasSubstr("nested deeper than 40 levels"));
  const std::string giant = "{\"a\": \"" + std::string(std::size_t{17} << 20, 'x') + "\"}";
  EXPECT_THAT(read_error("a.jsonl", "{\"a\": 1}\n" + giant),
              HasSubstr("line 2: 17825801 bytes of JSON, expected at most 16777216"));
}

TEST(RecordFile, RejectsRowsTheServerHasCutShort) {
  EXPECT_THAT(read_error("a.json", R"({"rows": [{"row_idx": 0, "row": {"t": "x"},
                                     "truncated_cells": ["t"]}]})"),
              AllOf(HasSubstr("row 1: "), HasSubstr("truncated_cells")));
}

TEST(Record, GettersSayWhereWhatAndWhatWasExpected) {
  const auto file = std::make_shared<const std::string>("d.jsonl");
  const Json fields = Json::parse(
      R"({"s": "x", "n": 7, "digits": "-3", "b": true, "f": 1.5, "l": ["p", "q"], "mixed": ["p", 1],
          "o": {"text": ["u"]}, "nothing": null, "huge": 18446744073709551615})");
  const Record record(fields, file, "line", 9);
  EXPECT_EQ(*record.text("s"), "x");
  EXPECT_EQ(*record.integer("n"), 7);
  EXPECT_EQ(*record.integer("digits"), -3);
  EXPECT_EQ(*record.integer("b"), 1);
  EXPECT_THAT(*record.texts("l"), ElementsAre("p", "q"));
  EXPECT_THAT(*record.texts("o.text"), ElementsAre("u"));
  EXPECT_EQ(record.text("n").error().message, "'d.jsonl', line 9: 'n' is 7, expected a string");
  EXPECT_THAT(record.integer("s").error().message, EndsWith("'s' is \"x\", expected an integer"));
  EXPECT_THAT(record.integer("f").error().message, HasSubstr("'f' is 1.5"));
  EXPECT_THAT(record.integer("huge").error().message, HasSubstr("expected an integer"));
  EXPECT_THAT(record.texts("mixed").error().message, HasSubstr("expected a list of strings"));
  EXPECT_THAT(record.text("o.none").error().message, HasSubstr("no field 'o.none'"));
  EXPECT_THAT(record.text("nothing").error().message,
              AllOf(HasSubstr("no field 'nothing'"), HasSubstr("the fields are 's', 'n'")));
}

TEST(Corpus, IsATextAsItIsAndRowsWithAnEmptyLineBetween) {
  const TempFolder folder;
  const auto text = *read_corpus(folder.write("a.txt", " one\n\ntwo\n"));
  EXPECT_EQ(text.text, " one\n\ntwo\n");
  EXPECT_EQ(text.rows, 0);
  const auto rows = *read_corpus(folder.write("server.json", kServerRows));
  EXPECT_EQ(rows.text, "one\n\ntwo");
  EXPECT_EQ(rows.rows, 2);
  const auto named =
      read_corpus(folder.write("b.csv", "id,story\n1,\"Once,\nthere\"\n"), {.field = "story"});
  EXPECT_EQ(named->text, "Once,\nthere");
}

TEST(Corpus, RejectsAFieldThatIsMissingOrEmptyThroughout) {
  const TempFolder folder;
  const auto path = folder.write("a.jsonl", "{\"content\": \"x\"}\n");
  EXPECT_THAT(read_corpus(path).error().message,
              AllOf(HasSubstr("line 1: no field 'text'"), HasSubstr("'content'")));
  EXPECT_THAT(read_corpus(folder.write("b.jsonl", "{\"text\": \"\"}\n")).error().message,
              HasSubstr("is empty in all 1 rows"));
}

}  // namespace
}  // namespace pajamas
