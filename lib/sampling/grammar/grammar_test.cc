// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampling/grammar/grammar_matcher.h"

namespace pajamas {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::shared_ptr<const TokenTrie> byte_trie() {
  static const std::vector<std::string> pieces = [] {
    std::vector<std::string> all;
    for (int byte = 0; byte < 256; ++byte) all.push_back(std::string(1, static_cast<char>(byte)));
    return all;
  }();
  return TokenTrie::create({pieces, {}}).value();
}

bool accepts(const std::string& gbnf, std::string_view text) {
  const auto grammar = Grammar::parse(gbnf);
  EXPECT_TRUE(grammar) << grammar.error().message;
  GrammarMatcher matcher(*grammar, byte_trie());
  return matcher.accept_text(text) && matcher.may_end();
}

std::string error_of(const std::string& gbnf) {
  const auto grammar = Grammar::parse(gbnf);
  return grammar ? "no error" : grammar.error().message;
}

struct Case {
  const char* grammar;
  std::vector<std::string> accepted;
  std::vector<std::string> rejected;
};

TEST(Grammar, AcceptsWhatItsNotationSays) {
  const Case cases[] = {
      {R"(root ::= "ab" | "abc")", {"ab", "abc"}, {"", "a", "abcd", "b"}},
      {R"(root ::= "")", {""}, {"a"}},
      {"root ::= |  \"x\"", {"", "x"}, {"xx"}},
      {"root ::= [a-cx-]+", {"a", "cab-x"}, {"", "d"}},
      {"root ::= [^a-c]", {"d", "é", "😀", "\n"}, {"a", "", "dd", "\xC3"}},
      {"root ::= . .",
       {"é😀", "\n\n"},
       {"a", "aaa", "\xC3\x28",
        "\xED\xA0\x80"
        "a",
        "\xC0\xAF"
        "a"}},
      {R"(root ::= "x"{2})", {"xx"}, {"x", "xxx", ""}},
      {R"(root ::= "x"{0,2} "y")", {"y", "xy", "xxy"}, {"xxxy", "x"}},
      {R"(root ::= "x"{2,})", {"xx", "xxxxxx"}, {"x", ""}},
      {R"(root ::= "x"{0})", {""}, {"x"}},
      {R"(root ::= ("x"{2}){3})", {"xxxxxx"}, {"xxxxx", "xxxxxxx"}},
      {R"(root ::= "x"{2}{1,2})", {"xx", "xxxx"}, {"xxx"}},
      {R"(root ::= ("a" | "b" "c")* "d"?)", {"", "abcad", "d"}, {"b", "dd", "ad "}},
      {R"(root ::= (("a"*)* "b"*)+)", {"", "aab", "bba"}, {"c"}},
      {"root ::= \"(\" root? \")\"", {"()", "((()))"}, {"", "(", "(()"}},
      {"root ::= a root | b # note\na ::= \"1\"\n\nb ::= (\n \"2\"\n |\n \"3\" )\n",
       {"2", "1113"},
       {"1", "22"}},
      {R"(root ::= "\x41\u00E9\U0001F600\n\\\"\[\]")", {"Aé😀\n\\\"[]"}, {"A"}},
      {R"(root ::= x x x "a" x
x ::= "b" | y
y ::= "" | "c")",
       {"a", "bbbab", "cac", "bcba"},
       {"bbbba", "", "b"}},
      // Palindromes need every way of reading the text at once.
      {R"(root ::= "a" root "a" | "b" root "b" | "")", {"", "abba", "aa", "baab"}, {"ab", "aba"}},
  };
  for (const Case& one : cases) {
    for (const auto& text : one.accepted)
      EXPECT_TRUE(accepts(one.grammar, text)) << one.grammar << " on " << text;
    for (const auto& text : one.rejected)
      EXPECT_FALSE(accepts(one.grammar, text)) << one.grammar << " on " << text;
  }
}

// All texts of up to 9 letters against counting: as many a as b, in any order.
TEST(Grammar, AnAmbiguousGrammarAcceptsJustItsLanguage) {
  const auto grammar =
      Grammar::parse(R"(root ::= "" | "a" root "b" root | "b" root "a" root)").value();
  GrammarMatcher matcher(grammar, byte_trie());
  for (std::size_t length = 0; length <= 9; ++length) {
    for (std::size_t bits = 0; bits < (std::size_t{1} << length); ++bits) {
      std::string text;
      for (std::size_t at = 0; at < length; ++at) text += (bits >> at) & 1 ? 'b' : 'a';
      matcher.reset();
      ASSERT_TRUE(matcher.accept_text(text)) << text;
      ASSERT_EQ(matcher.may_end(), 2 * std::ranges::count(text, 'a') == std::ptrdiff_t(length))
          << text;
    }
  }
}

TEST(Grammar, ErrorsNameThePlace) {
  EXPECT_THAT(error_of("start ::= \"a\""), HasSubstr("there is no rule 'root'"));
  EXPECT_THAT(error_of("root ::= \"a\" miss"), HasSubstr("'miss' is used but not defined"));
  EXPECT_THAT(error_of("root ::= \"a\"\nroot ::= \"b\""),
              HasSubstr("line 2, column 6: the rule 'root' is defined twice"));
  EXPECT_THAT(error_of("root = \"a\""), HasSubstr("line 1, column 6: found '=', expected '::='"));
  EXPECT_THAT(error_of("root ::= \"a\n"), HasSubstr("column 10: the text that begins here"));
  EXPECT_THAT(error_of("root ::= [a"), HasSubstr("the class that begins here"));
  EXPECT_THAT(error_of("root ::= (\"a\"\n"), HasSubstr("found the end, expected ')'"));
  EXPECT_THAT(error_of("root ::= *"), HasSubstr("'*' stands behind nothing"));
  EXPECT_THAT(error_of("root ::= \"\\q\""), HasSubstr("found 'q' behind '\\'"));
  EXPECT_THAT(error_of("root ::= \"\\x4g\""), HasSubstr("expected 2 hexadecimal digits"));
  EXPECT_THAT(error_of("root ::= \"\\uD800\""), HasSubstr("U+D800 is not a code point"));
  EXPECT_THAT(error_of("root ::= \"\xFF\""), HasSubstr("found byte 0xff, expected valid UTF-8"));
  EXPECT_THAT(error_of("root ::= [b-a]"), HasSubstr("ends before it begins"));
  EXPECT_THAT(error_of("root ::= \"a\"{3,2}"), HasSubstr("{3,2} ends before it begins"));
  EXPECT_THAT(error_of("root ::= \"a\"{,2}"), HasSubstr("found ',', expected a number"));
  EXPECT_THAT(error_of("root ::= <think>"), HasSubstr("token references"));
  EXPECT_THAT(error_of(""), HasSubstr("no rule 'root'"));
}

TEST(Grammar, LeftRecursionIsAnErrorHoweverItIsHidden) {
  EXPECT_THAT(error_of("root ::= root \"a\" | \"b\""), HasSubstr("left recursion, 'root'"));
  EXPECT_THAT(error_of("root ::= a\na ::= \"x\"? b\nb ::= c* a\nc ::= \"z\""),
              AllOf(HasSubstr("left recursion"), HasSubstr("'")));
  EXPECT_THAT(error_of("root ::= e root \"a\" | \"b\"\ne ::= \"\" | f\nf ::= \"\"* "),
              HasSubstr("left recursion"));
  EXPECT_THAT(error_of("root ::= (root)"), HasSubstr("left recursion"));
  EXPECT_EQ(error_of("root ::= \"a\" root | \"b\""), "no error");
}

TEST(Grammar, HostileTextIsAnErrorInLittleTime) {
  EXPECT_THAT(error_of("root ::= " + std::string(60'000, '(')),
              HasSubstr("nested deeper than 128"));
  EXPECT_THAT(error_of("root ::= \"a\"{1,1000000}"), HasSubstr("more than 100000 repetitions"));
  EXPECT_THAT(error_of("root ::= \"a\"{99999999999999999999}"), HasSubstr("more than 100000"));
  EXPECT_THAT(error_of("root ::= \"abcdefghijklmnop\"{0,100000}"),
              HasSubstr("more than 1000000 states"));
  EXPECT_EQ(error_of("root ::= (((\"a\"{100}){100}){100}){100}"), "no error");  // counts nest
  std::string chain = "root ::= r0\n";
  for (int rule = 0; rule < 30'000; ++rule) chain += fmt::format("r{} ::= r{}\n", rule, rule + 1);
  EXPECT_EQ(error_of(chain + "r30000 ::= \"x\""), "no error");
  EXPECT_TRUE(accepts(chain + "r30000 ::= \"x\"", "x"));
}

TEST(GrammarMatcher, FollowsSixtyThousandBrackets) {
  GrammarMatcher matcher(Grammar::parse("root ::= \"[\" root* \"]\"").value(), byte_trie());
  for (int depth = 0; depth < 60'000; ++depth) ASSERT_TRUE(matcher.accept('['));
  for (int depth = 0; depth < 60'000; ++depth) ASSERT_TRUE(matcher.accept(']'));
  EXPECT_TRUE(matcher.may_end());
  EXPECT_FALSE(matcher.accept(']'));
}

TEST(GrammarMatcher, RightRecursionDoesNotGrowTheState) {
  const auto grammar = Grammar::parse("root ::= [a-z] root | \"\"").value();
  GrammarStates states(grammar);
  GrammarStates::State state = states.start();
  for (int i = 0; i < 1000; ++i) state = states.next(state, 'x');
  EXPECT_LT(states.count(), 5U);
}

TEST(GrammarMatcher, EndsOnlyWhereTheGrammarMayEnd) {
  const std::vector<std::string> pieces = {"a", "ab", "b", "", "</s>", "abc"};
  const std::vector<std::int32_t> ends = {4};
  const auto trie = TokenTrie::create({pieces, ends}).value();
  GrammarMatcher matcher(Grammar::parse("root ::= \"ab\"").value(), trie);
  const auto allowed = [&] {
    std::vector<std::int32_t> ids;
    const TokenMask* mask = matcher.allowed().value();
    for (std::int32_t id = 0; id < 6; ++id) {
      EXPECT_EQ(mask->contains(static_cast<std::size_t>(id)), matcher.allows(id).value());
      if (mask->contains(static_cast<std::size_t>(id))) ids.push_back(id);
    }
    return ids;
  };
  EXPECT_THAT(allowed(), ::testing::ElementsAre(0, 1));
  EXPECT_THAT(matcher.accept(4).error().message, HasSubstr("token 4 is not allowed here"));
  GrammarMatcher copy = matcher;
  ASSERT_TRUE(matcher.accept(0));
  EXPECT_THAT(allowed(), ::testing::ElementsAre(2));
  ASSERT_TRUE(matcher.accept(2));
  EXPECT_THAT(allowed(), ::testing::ElementsAre(4));
  ASSERT_TRUE(matcher.accept(4));
  EXPECT_TRUE(matcher.has_ended());
  EXPECT_THAT(allowed(), ::testing::ElementsAre());
  EXPECT_TRUE(copy.accept(1));
  EXPECT_FALSE(matcher.accept(0));
}

TEST(GrammarMatcher, PiecesMayHoldPartsOfACodePoint) {
  const std::vector<std::string> pieces = {"\xF0\x9F", "\x98", "\x80", "\x80!", "a"};
  const auto trie = TokenTrie::create({pieces, {}}).value();
  GrammarMatcher matcher(Grammar::parse("root ::= [😀-😂] \"!\"").value(), trie);
  EXPECT_EQ(matcher.allowed().value()->count(), 1U);
  ASSERT_TRUE(matcher.accept(0));
  EXPECT_FALSE(matcher.accept(2));
  ASSERT_TRUE(matcher.accept(1));
  ASSERT_TRUE(matcher.accept(3));
  EXPECT_TRUE(matcher.may_end());
}

TEST(GrammarMatcher, ExponentiallyManyReadingsStayBounded) {
  // Each rule calls the next twice: 2^200 stacks, were they not shared.
  std::string gbnf = "root ::= r0\n";
  for (int rule = 0; rule < 200; ++rule) {
    gbnf += fmt::format("r{0} ::= r{1} \"x\" | r{1} \"y\"\n", rule, rule + 1);
  }
  gbnf += "r200 ::= [a-z]";
  GrammarMatcher matcher(Grammar::parse(gbnf).value(), byte_trie());
  EXPECT_EQ(matcher.allowed().value()->count(), 26U);
  ASSERT_TRUE(matcher.accept_text("a" + std::string(199, 'x')));
  EXPECT_FALSE(matcher.may_end());
  ASSERT_TRUE(matcher.accept_text("y"));
  EXPECT_TRUE(matcher.may_end());
}

TEST(GrammarMatcher, ForgettingStatesChangesNothing) {
  const auto grammar =
      Grammar::parse("root ::= \"[\" (root | [a-z])* \"]\" | \"{\" root* \"}\"").value();
  GrammarStates states(grammar);
  GrammarStates::State state = states.start();
  for (const char byte : std::string_view("[{[[ab{"))
    state = states.next(state, std::uint8_t(byte));
  state = states.keep_only(state);
  for (const char byte : std::string_view("}]]}q[]]")) {
    ASSERT_FALSE(states.is_accepting(state));
    state = states.next(state, std::uint8_t(byte));
    ASSERT_NE(state, GrammarStates::kDead) << byte;
  }
  EXPECT_TRUE(states.is_accepting(state));
}

TEST(CodePointSet, SequencesSpellJustTheMembers) {
  for (const CodePointRange range : {CodePointRange{0, 0x10FFFF},
                                     {0x7E, 0x801},
                                     {0xFFF0, 0x1000F},
                                     {0xD7FE, 0xE001},
                                     {0x10FFFF, 0x10FFFF}}) {
    const CodePointSet set({range});
    std::size_t total = 0;
    for (const ByteSequence& sequence : utf8_sequences(set)) {
      std::size_t count = 1;
      for (std::size_t at = 0; at < sequence.bytes; ++at) {
        count *= std::size_t{sequence.ranges[at].last} - sequence.ranges[at].first + 1;
      }
      total += count;
    }
    std::size_t expected = 0;
    for (const CodePointRange part : set.ranges()) expected += part.last - part.first + 1;
    EXPECT_EQ(total, expected);
  }
  EXPECT_EQ(CodePointSet::any().complement().ranges().size(), 0U);
}

}  // namespace
}  // namespace pajamas
