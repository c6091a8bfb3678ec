// SPDX-License-Identifier: Apache-2.0
#include "sampling/stop_strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using ::testing::HasSubstr;

StopStrings make(const std::vector<std::string>& stops) {
  return StopStrings::create(stops).value();
}

TEST(StopStrings, HoldsBackWhatMayBecomeAStopString) {
  StopStrings stops = make({"</end>"});
  EXPECT_EQ(stops.push("text <").text, "text ");
  EXPECT_EQ(stops.push("/e").text, "");
  EXPECT_EQ(stops.push("x").text, "</ex");
  const auto output = stops.push("y</end>z");
  EXPECT_EQ(output.text, "y");
  EXPECT_EQ(output.stop, 0U);
  EXPECT_TRUE(stops.has_stopped());
  EXPECT_EQ(stops.push("more").text, "");
}

TEST(StopStrings, TheOneThatIsCompleteFirstEndsTheText) {
  StopStrings stops = make({"abcd", "bc", "abc"});
  const auto output = stops.push("xabcd");
  EXPECT_EQ(output.text, "x");
  EXPECT_EQ(output.stop, 2U);  // ends where "bc" ends, and is longer
}

TEST(StopStrings, NeverSplitsACodePoint) {
  StopStrings stops = make({});
  EXPECT_EQ(stops.push("a\xF0\x9F").text, "a");
  EXPECT_EQ(stops.push("\x98").text, "");
  EXPECT_EQ(stops.push("\x80!").text, "\xF0\x9F\x98\x80!");
  EXPECT_EQ(stops.push("\xE6\x97").text, "");
  EXPECT_EQ(stops.finish(), "\xE6\x97");
}

TEST(StopStrings, FinishGivesOutWhatWasHeldBack) {
  StopStrings stops = make({"stop"});
  EXPECT_EQ(stops.push("a st").text, "a ");
  EXPECT_EQ(stops.finish(), "st");
  EXPECT_EQ(stops.push("op").text, "op");  // not a continuation of what was given out
}

// Exhaustive: all texts of up to 7 letters over {a, b}, cut in every way, against a search of the
// whole text.
TEST(StopStrings, TheCutOfTheTextDoesNotMatter) {
  const std::vector<std::string> list = {"aab", "ba", "bbb"};
  for (std::size_t length = 1; length <= 7; ++length) {
    for (std::size_t text_bits = 0; text_bits < (std::size_t{1} << length); ++text_bits) {
      std::string text;
      for (std::size_t at = 0; at < length; ++at) text += (text_bits >> at) & 1 ? 'b' : 'a';
      std::size_t first_end = std::string::npos;
      std::size_t start = std::string::npos;
      for (const std::string& stop : list) {
        const std::size_t found = text.find(stop);
        if (found == std::string::npos) continue;
        const std::size_t end = found + stop.size();
        if (end < first_end || (end == first_end && found < start)) start = found, first_end = end;
      }
      for (std::size_t cuts = 0; cuts < (std::size_t{1} << (length - 1)); ++cuts) {
        StopStrings stops = make(list);
        std::string shown;
        std::string piece;
        for (std::size_t at = 0; at < length; ++at) {
          piece += text[at];
          if (at + 1 == length || ((cuts >> at) & 1) != 0) {
            shown += stops.push(piece).text;
            piece.clear();
          }
        }
        shown += stops.finish();
        ASSERT_EQ(shown, text.substr(0, start)) << text << " cut by " << cuts;
        ASSERT_EQ(stops.has_stopped(), start != std::string::npos);
      }
    }
  }
}

TEST(StopStrings, RefusesEmptyAndHugeOnes) {
  const auto message = [](const std::vector<std::string>& list) {
    return StopStrings::create(list).error().message;
  };
  EXPECT_THAT(message({"a", ""}), HasSubstr("a stop string of 0 bytes"));
  EXPECT_THAT(message({std::string(5000, 'a')}), HasSubstr("5000 bytes, expected 1 to 4096"));
  EXPECT_THAT(message(std::vector<std::string>(65, "a")), HasSubstr("65 stop strings"));
}

}  // namespace
}  // namespace pajamas
