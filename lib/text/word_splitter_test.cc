// SPDX-License-Identifier: Apache-2.0
#include "text/word_splitter.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "text/utf8.h"

namespace pajamas {
namespace {

// Characters that the patterns tell apart, and those next to them: contractions in any case (the
// long s is an s), spaces of all kinds, line ends, digits of all kinds, letters, marks, emoji.
constexpr char32_t kCharacters[] = {
    '\'',   's',    'S',   't',    'T',    'r',    'R',    'e',     'E',     'v',      'V',
    'm',    'M',    'l',   'L',    'd',    'D',    'a',    'z',     ' ',     ' ',      ' ',
    '\t',   '\n',   '\r',  '\v',   '\f',   0x85,   0xa0,   0x1680,  0x2003,  0x2028,   0x202f,
    0x205f, 0x3000, '0',   '7',    '9',    0x660,  0x2167, 0xbd,    0xb2,    '!',      '.',
    '_',    '-',    0x17f, 0x212a, 0xe9,   0x301,  0x416,  0x4e2d,  0x3042,  0xac00,   0x900,
    0xfb06, 0xfb01, 0x130, 0x131,  0x200b, 0x200d, 0xfeff, 0x1f999, 0x1d7d9, 0x10ffff, 0x378};

std::string random_text(std::mt19937& random) {
  std::string text;
  const std::size_t characters = random() % 24;
  for (std::size_t count = 0; count < characters; ++count) {
    append_utf8(text, kCharacters[random() % std::size(kCharacters)]);
  }
  return text;
}

class EveryPattern : public ::testing::TestWithParam<std::string_view> {};

TEST_P(EveryPattern, CutsRandomTextAsOnigurumaDoes) {
  const WordSplitter splitter = find_word_splitter(GetParam());
  ASSERT_NE(splitter, nullptr);
  const Regex regex = Regex::compile(GetParam()).value();
  std::mt19937 random(7);
  for (int round = 0; round < 60'000; ++round) {
    const std::string text = random_text(random);
    std::vector<TextRange> words;
    splitter(text, {0, text.size()}, words);
    ASSERT_EQ(words, regex.find_all(text).value()) << '"' << text << '"';
  }
}

TEST_P(EveryPattern, PutsEveryCodePointIntoOnigurumasClass) {
  const WordSplitter splitter = find_word_splitter(GetParam());
  const Regex regex = Regex::compile(GetParam()).value();
  std::string text;
  for (char32_t point = 0; point < 0x30000; ++point) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    text += "a1";
    append_utf8(text, point);
  }
  std::vector<TextRange> words;
  splitter(text, {0, text.size()}, words);
  EXPECT_TRUE(words == regex.find_all(text).value());
}

TEST_P(EveryPattern, SeesNothingAroundTheRange) {
  const WordSplitter splitter = find_word_splitter(GetParam());
  std::vector<TextRange> words;
  splitter("abc  def", {1, 5}, words);
  EXPECT_EQ(words, (std::vector<TextRange>{{1, 3}, {3, 5}}));
}

INSTANTIATE_TEST_SUITE_P(WordSplitter, EveryPattern,
                         ::testing::Values(kGpt2Pattern, kLlama3Pattern, kQwen2Pattern));

TEST(WordSplitter, KnowsNoOtherPattern) { EXPECT_EQ(find_word_splitter(R"(\w+)"), nullptr); }

}  // namespace
}  // namespace pajamas
