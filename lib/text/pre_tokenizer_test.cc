// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/byte_level.h"
#include "text/normalizer.h"
#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

Words words_of(std::string_view definition, std::string_view text) {
  const Json json = parse_json(definition, "definition", {}).value();
  return PreTokenizer::from_json(json).value().run(text, true).value();
}

std::string split(std::string_view pattern, std::string_view behavior, bool invert = false) {
  return fmt::format(R"({{"type":"Split","pattern":{},"behavior":"{}","invert":{}}})", pattern,
                     behavior, invert);
}

TEST(PreTokenizer, SplitKnowsEveryBehavior) {
  const std::string_view dash = R"({"String":"-"})";
  EXPECT_THAT(words_of(split(dash, "Removed"), "a--b-c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words_of(split(dash, "Isolated"), "a--b-c"),
              ElementsAre("a", "-", "-", "b", "-", "c"));
  EXPECT_THAT(words_of(split(dash, "MergedWithPrevious"), "a--b-c"),
              ElementsAre("a-", "-", "b-", "c"));
  EXPECT_THAT(words_of(split(dash, "MergedWithNext"), "a--b-c"), ElementsAre("a", "-", "-b", "-c"));
  EXPECT_THAT(words_of(split(dash, "Contiguous"), "a--b-c"), ElementsAre("a", "--", "b", "-", "c"));
  EXPECT_THAT(words_of(split(dash, "Removed", true), "a--b"), ElementsAre("-", "-"));
}

TEST(PreTokenizer, EmptyMatchesOfALookaheadCut) {
  EXPECT_THAT(words_of(split(R"x({"Regex":"(?=(\\d{3})+(?!\\d))"})x", "Isolated"), "1234567"),
              ElementsAre("1", "234", "567"));
}

TEST(PreTokenizer, ByteLevelCutsAsGpt2AndSpellsBytes) {
  EXPECT_THAT(words_of(R"({"type":"ByteLevel","add_prefix_space":false})", "I'm  é1!\n"),
              ElementsAre("I", "'m", "Ġ", "ĠÃ©", "1", "!", "Ċ"));
  EXPECT_THAT(words_of(R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":false})", "a b"),
              ElementsAre("ĠaĠb"));
}

TEST(PreTokenizer, StepsOfASequenceWorkOnEachOthersWords) {
  EXPECT_THAT(words_of(R"({"type":"Sequence","pretokenizers":[
      {"type":"Digits","individual_digits":true},
      {"type":"ByteLevel","add_prefix_space":false}]})",
                       "ab 12x"),
              ElementsAre("ab", "Ġ", "1", "2", "x"));
  EXPECT_THAT(words_of(R"({"type":"Digits"})", "ab12x½"), ElementsAre("ab", "12", "x", "½"));
}

TEST(PreTokenizer, MetaspacePutsItsMarkInFrontOfWords) {
  EXPECT_THAT(words_of(R"({"type":"Metaspace","replacement":"_"})", "a b"),
              ElementsAre("_a", "_b"));
  EXPECT_THAT(words_of(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"never",
                           "split":false})",
                       "a b"),
              ElementsAre("a_b"));
}

TEST(PreTokenizer, WhitespaceAndPunctuationAreClasses) {
  EXPECT_THAT(words_of(R"({"type":"Whitespace"})", "a, b"), ElementsAre("a", ",", "b"));
  EXPECT_THAT(words_of(R"({"type":"WhitespaceSplit"})", " a,\u3000b"), ElementsAre("a,", "b"));
  EXPECT_THAT(words_of(R"({"type":"Punctuation"})", "a+。b"), ElementsAre("a", "+", "。", "b"));
}

TEST(PreTokenizer, RefusesWhatItDoesNotKnow) {
  const auto problem = [](std::string_view definition) {
    return PreTokenizer::from_json(parse_json(definition, "d", {}).value()).error().message;
  };
  EXPECT_THAT(problem(R"({"type":"Dreams"})"), HasSubstr("'Dreams' is not known"));
  EXPECT_THAT(problem(R"x({"type":"Split","pattern":{"Regex":"("}})x"),
              HasSubstr("does not compile"));
  EXPECT_THAT(problem(R"({"type":"Split"})"), HasSubstr("no 'pattern'"));
  EXPECT_THAT(problem(R"({"type":"Sequence"})"), HasSubstr("no 'pretokenizers'"));
  EXPECT_THAT(problem(R"({"type":"Metaspace","replacement":"abcdef"})"), HasSubstr("of 6 bytes"));
}

TEST(Regex, StopsAPatternThatBacktracksForever) {
  const Regex regex = Regex::compile("(a+)+$").value();
  const auto found = regex.find_all(std::string(40, 'a') + "b");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("a pattern stopped at offset 0"));
}

TEST(Regex, RefusesPatternsThatAreTooDeepOrTooLong) {
  EXPECT_FALSE(Regex::compile(std::string(10'000, '(') + std::string(10'000, ')')));
  EXPECT_FALSE(Regex::compile(std::string(1'000'000, 'a')));
  EXPECT_FALSE(Regex::compile("\xff"));
}

std::string normalized_text(std::string_view definition, std::string_view text) {
  const Json json = parse_json(definition, "definition", {}).value();
  return Normalizer::from_json(json).value().run(text).value();
}

TEST(Normalizer, RunsItsStepsInOrder) {
  EXPECT_EQ(normalized_text(R"({"type":"NFC"})", "e\u0301"), "\u00e9");
  EXPECT_EQ(normalized_text(R"({"type":"NFKC"})", "\ufb01"), "fi");
  EXPECT_EQ(normalized_text(R"({"type":"NFD"})", "\u00e9"), "e\u0301");
  EXPECT_EQ(normalized_text(R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"_"},
      {"type":"Replace","pattern":{"String":" "},"content":"_"}]})",
                            "a b"),
            "_a_b");
  EXPECT_EQ(
      normalized_text(R"({"type":"Replace","pattern":{"Regex":"[0-9]+"},"content":"#"})", "a12b3"),
      "a#b#");
  EXPECT_EQ(
      normalized_text(R"({"type":"Strip","strip_left":true,"strip_right":true})", " \u3000a "),
      "a");
  EXPECT_EQ(normalized_text(R"({"type":"Lowercase"})", "AÉ"), "aé");
  EXPECT_EQ(normalized_text(R"({"type":"Prepend","prepend":"_"})", ""), "");
}

TEST(Normalizer, StopsATextThatGrowsWithoutBound) {
  std::string steps;
  for (int step = 0; step < 30; ++step) {
    steps += fmt::format(R"({}{{"type":"Replace","pattern":{{"String":"a"}},"content":"{}"}})",
                         step == 0 ? "" : ",", std::string(64, 'a'));
  }
  const Json json =
      parse_json(fmt::format(R"({{"type":"Sequence","normalizers":[{}]}})", steps), "d", {})
          .value();
  EXPECT_FALSE(Normalizer::from_json(json).value().run("a"));
}

TEST(ByteLevel, SpellsEveryByteAndReadsItBack) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  EXPECT_EQ(from_byte_level(to_byte_level(bytes)), bytes);
  EXPECT_EQ(to_byte_level(" \n\xff"), "ĠĊÿ");
  EXPECT_EQ(from_byte_level("a b"), std::nullopt);
}

TEST(Utf8, FindsInvalidSequences) {
  EXPECT_TRUE(is_valid_utf8("aé€😀"));
  for (const std::string_view bad :
       {"\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
  // The beginning of a character that does not go on is one replacement, as Rust and Python print.
  EXPECT_EQ(replace_invalid_utf8("a\xff\xe2\x82"), "a\ufffd\ufffd");
  EXPECT_EQ(replace_invalid_utf8("\xf0\x9f\x98x\xed\xa0\x80"), "\ufffdx\ufffd\ufffd\ufffd");
}

}  // namespace
}  // namespace pajamas
