// SPDX-License-Identifier: Apache-2.0
#include "text/charsmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/normalizer.h"

namespace pajamas {
namespace {

using ::testing::HasSubstr;

// A double array with two strings: "a" becomes "b", "ab" becomes "".
std::vector<std::uint8_t> small_table() {
  std::vector<std::uint32_t> units(256, 0);
  units[0] = 1U << 10;                           // the root's children are at 1 ^ label
  units[1 ^ 'a'] = 'a' | 0x100U | (130U << 10);  // its leaf and children at 130 ^ (1 ^ 'a')
  const std::size_t behind_a = (1 ^ 'a') ^ 130;
  units[behind_a] = 0x80000000U;  // replacement at 0
  units[behind_a ^ 'b'] = 'b' | 0x100U | (8U << 10);
  units[(behind_a ^ 'b') ^ 8] = 0x80000000U | 1U;  // replacement at 1, the end of the first
  std::vector<std::uint8_t> bytes;
  const auto put = [&](std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  };
  put(static_cast<std::uint32_t>(units.size() * 4));
  for (const std::uint32_t unit : units) put(unit);
  for (const char byte : std::string_view("b\0", 2)) {
    bytes.push_back(static_cast<std::uint8_t>(byte));
  }
  return bytes;
}

TEST(Charsmap, TakesTheLongestString) {
  const Charsmap map = Charsmap::parse(small_table()).value();
  EXPECT_EQ(map.run_longest("xa abc"), "xb c");
  EXPECT_EQ(map.run_longest(""), "");
}

TEST(Charsmap, ClustersTakeTheShortestString) {
  const Charsmap map = Charsmap::parse(small_table()).value();
  EXPECT_EQ(map.run_clusters("xa abc"), "xb bbc");
  // A short cluster that begins with a string is replaced whole, accents and all.
  EXPECT_EQ(map.run_clusters("a\u0301x"), "bx");
  EXPECT_EQ(map.run_clusters("a\u0301\u0302\u0303x"), "b\u0301\u0302\u0303x");
}

TEST(Charsmap, RefusesAnIndexThatDoesNotFit) {
  EXPECT_THAT(Charsmap::parse(std::vector<std::uint8_t>{9, 0, 0, 0, 1}).error().message,
              HasSubstr("says that 9 are its index"));
  EXPECT_THAT(Charsmap::parse_base64("%").error().message, HasSubstr("not valid base64"));
}

TEST(Charsmap, PointersOutOfTheTableMatchNothing) {
  std::vector<std::uint8_t> table = small_table();
  table.resize(table.size() - 2);  // no replacements
  EXPECT_EQ(Charsmap::parse(table).value().run_longest("ab"), "ab");
}

std::string normalized(const Json& definition, std::string_view text) {
  return Normalizer::from_json(definition).value().run(text).value();
}

TEST(Normalizer, BertCleansSpacesStripsAndLowers) {
  const Json bert = {{"type", "BertNormalizer"}};
  EXPECT_EQ(normalized(bert, "A\tB\x01\u00adC \u00c9t\u00e9\u4e2dx\u0130"), "a bc ete \u4e2d xi");
  EXPECT_EQ(normalized({{"type", "BertNormalizer"}, {"lowercase", false}}, "\u00c9"), "\u00c9");
}

TEST(Normalizer, NormalFormsOfLongMixedTextAreThoseOfItsParts) {
  EXPECT_EQ(normalized({{"type", "NFC"}}, "abc e\u0301 \u00e9e\u0301e x\u0301"),
            "abc \u00e9 \u00e9\u00e9e x\u0301");
  EXPECT_EQ(normalized({{"type", "NFD"}}, "\u00e9x\u00e9"), "e\u0301xe\u0301");
  EXPECT_EQ(normalized({{"type", "NFKC"}}, "\ufb01\u00aax"), "fiax");
}

}  // namespace
}  // namespace pajamas
