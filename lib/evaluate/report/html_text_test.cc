// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/html_text.h"

#include <limits>

#include <gtest/gtest.h>

namespace pajamas::report {
namespace {

TEST(HtmlText, MarkupAndWhatIsNotTextIsMadeHarmless) {
  EXPECT_EQ(escape("<b>\"A\" & 'B'</b>"), "&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;");
  EXPECT_EQ(escape("a\nb\tc"), "a\nb\tc");
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(escape(std::string_view("\0", 1)), replacement);
  EXPECT_EQ(escape("\x01"), replacement);
  EXPECT_EQ(escape("\xff"), replacement);
  EXPECT_EQ(escape("\u202E"), replacement);  // the rest would be read from right to left
  EXPECT_EQ(escape("größer 大"), "größer 大");
}

TEST(HtmlText, NumbersHaveThreeDigitsThatCount) {
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_number(0.0123456), "0.0123");
  EXPECT_EQ(format_number(1.5), "1.50");
  EXPECT_EQ(format_number(12345.6), "12346");
  EXPECT_EQ(format_number(0.000031), "3.1×10⁻⁵");
  EXPECT_EQ(format_number(-0.5), "−0.500");
  EXPECT_EQ(format_number(1e300), "1.0×10³⁰⁰");
  EXPECT_EQ(format_number(std::numeric_limits<double>::infinity()), "∞");
  EXPECT_EQ(format_number(-std::numeric_limits<double>::infinity()), "−∞");
  EXPECT_EQ(format_number(std::numeric_limits<double>::quiet_NaN()), "n/a");
}

TEST(HtmlText, SharesThousandsAndPowersAreWrittenAsPeopleDo) {
  EXPECT_EQ(format_percent(0.123, 1), "12.3\u00A0%");
  EXPECT_EQ(format_signed_percent(0.123, 0), "+12\u00A0%");
  EXPECT_EQ(format_signed_percent(-0.02, 0), "−2\u00A0%");
  EXPECT_EQ(format_signed(0.01, 1), "0.0");
  EXPECT_EQ(format_signed(-0.01, 1), "0.0");
  EXPECT_EQ(format_signed(1.55, 1), "+1.6");
  EXPECT_EQ(format_thousands(0), "0");
  EXPECT_EQ(format_thousands(1234567), "1\u202F234\u202F567");
  EXPECT_EQ(format_thousands(-1234), "-1\u202F234");
  EXPECT_EQ(format_power_of_ten(-8), "10⁻⁸");
  EXPECT_EQ(format_power_of_ten(-2), "0.01");
}

TEST(HtmlText, LongTextsAreShortenedByCharacters) {
  EXPECT_EQ(shorten("abc", 3), "abc");
  EXPECT_EQ(shorten("abcd", 3), "ab…");
  EXPECT_EQ(shorten("ääää", 3), "ää…");
}

}  // namespace
}  // namespace pajamas::report
