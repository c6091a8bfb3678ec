// SPDX-License-Identifier: Apache-2.0
#include "base/byte_reader.h"

#include <array>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

constexpr std::array kSample = {std::byte{0x01}, std::byte{0x02}, std::byte{0x03}, std::byte{0x04},
                                std::byte{0xff}};

TEST(ByteReader, ReadsLittleEndianAndAdvances) {
  ByteReader reader(kSample);
  EXPECT_EQ(reader.read<std::uint32_t>("count").value(), 0x04030201U);
  EXPECT_EQ(reader.offset(), 4U);
  EXPECT_EQ(reader.read<std::int8_t>("sign").value(), -1);
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReader, AReadPastTheEndNamesWhatWhereAndHowMuchAndReadsNothing) {
  ByteReader reader(kSample);
  ASSERT_TRUE(reader.read<std::uint16_t>("version"));
  const auto result = reader.read<std::uint64_t>("tensor count");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidData);
  EXPECT_EQ(result.error().message, "tensor count at offset 2 needs 8 bytes, but only 3 are left");
  EXPECT_EQ(reader.offset(), 2U);
}

TEST(ByteReader, ACountThatWouldOverflowTheOffsetIsAnError) {
  ByteReader reader(kSample);
  ASSERT_TRUE(reader.read<std::uint8_t>("version"));
  EXPECT_FALSE(reader.read_bytes(std::numeric_limits<std::size_t>::max(), "name"));
  EXPECT_TRUE(reader.read_bytes(4, "name"));
}

TEST(ByteReader, AnEmptyReadAtTheEndIsFine) {
  ByteReader reader(std::span<const std::byte>{});
  EXPECT_TRUE(reader.read_bytes(0, "nothing"));
  EXPECT_FALSE(reader.read<std::uint8_t>("something"));
}

}  // namespace
}  // namespace pajamas
