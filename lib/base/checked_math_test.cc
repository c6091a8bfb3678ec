// SPDX-License-Identifier: Apache-2.0
#include "base/checked_math.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kMaxSigned = std::numeric_limits<std::int64_t>::max();

TEST(CheckedMath, SumsAndProductsThatFitAreExact) {
  EXPECT_EQ(checked_add<std::uint64_t>(kMax64 - 1, 1), kMax64);
  EXPECT_EQ(checked_mul<std::int64_t>(-3, 5), -15);
  EXPECT_EQ(checked_mul<std::uint64_t>(kMax64, 0), 0U);
}

TEST(CheckedMath, OverflowIsNoValue) {
  EXPECT_EQ(checked_add<std::uint64_t>(kMax64, 1), std::nullopt);
  EXPECT_EQ(checked_add<std::int64_t>(kMaxSigned, 1), std::nullopt);
  EXPECT_EQ(checked_mul<std::uint64_t>(std::uint64_t{1} << 32, std::uint64_t{1} << 32),
            std::nullopt);
  EXPECT_EQ(checked_mul<std::int64_t>(kMaxSigned, -2), std::nullopt);
}

TEST(CheckedMath, AlignsUpwards) {
  EXPECT_EQ(checked_align<std::uint64_t>(0, 32), 0U);
  EXPECT_EQ(checked_align<std::uint64_t>(1, 32), 32U);
  EXPECT_EQ(checked_align<std::uint64_t>(64, 32), 64U);
  EXPECT_EQ(checked_align<std::uint64_t>(kMax64 - 3, 32), std::nullopt);
}

}  // namespace
}  // namespace pajamas
