// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <gtest/gtest.h>

namespace {

TEST(CheckDeathTest, AFailedCheckEndsTheProgramNamingConditionAndPlace) {
  const int rows = 3;
  PJ_CHECK(rows == 3);
  EXPECT_DEATH(PJ_CHECK(rows % 2 == 0), "rows % 2 == 0 is false at .*check_test.cc");
}

}  // namespace
