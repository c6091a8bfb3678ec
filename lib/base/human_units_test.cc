// SPDX-License-Identifier: Apache-2.0
#include "base/human_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

TEST(HumanUnits, BytesHaveThreeDigitsAndADecimalUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1234), "1.23 kB");
  EXPECT_EQ(format_bytes(999'499'999), "999 MB");
  EXPECT_EQ(format_bytes(2'471'645'608), "2.47 GB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "18446744 TB");
}

TEST(HumanUnits, RoundingUpMovesToTheNextUnit) {
  EXPECT_EQ(format_bytes(999'999), "1.00 MB");
  EXPECT_EQ(format_bytes(9'999), "10.0 kB");
}

TEST(HumanUnits, CountsUseShortScaleLetters) {
  EXPECT_EQ(format_count(42), "42");
  EXPECT_EQ(format_count(656'000), "656 K");
  EXPECT_EQ(format_count(1'235'814'400), "1.24 B");
}

TEST(HumanUnits, DurationsUseAtMostTwoUnits) {
  EXPECT_EQ(format_duration(4.24), "4.2 s");
  EXPECT_EQ(format_duration(190), "3 min 10 s");
  EXPECT_EQ(format_duration(7384), "2 h 3 min");
}

TEST(HumanUnits, SizesParseWithDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_bytes("1048576").value(), 1048576U);
  EXPECT_EQ(parse_bytes("512M").value(), 512'000'000U);
  EXPECT_EQ(parse_bytes("1.5g").value(), 1'500'000'000U);
  EXPECT_EQ(parse_bytes("2GiB").value(), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("0").value(), 0U);
}

TEST(HumanUnits, WhatIsNotASizeIsAnErrorThatQuotesIt) {
  for (const char* text : {"", "M", "-1", "12X", "1e30T", "nan", "inf", "512 M x", "0x10"}) {
    const auto result = parse_bytes(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(result.error().message,
                testing::HasSubstr(fmt::format("'{}' is not a size", text)));
  }
}

}  // namespace
}  // namespace pajamas
