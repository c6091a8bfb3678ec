// SPDX-License-Identifier: Apache-2.0
// Expected values are what CPython 3.11's random.Random(1234).sample(range(n), k) gives.
#include "evaluate/tasks/python_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(PythonRandom, DrawsWhatPythonDrawsFromOneGenerator) {
  PythonRandom random(1234);
  EXPECT_THAT(random.sample(10, 3), ElementsAre(7, 1, 0));
  EXPECT_THAT(random.sample(100, 5), ElementsAre(11, 74, 4, 85, 88));
  EXPECT_THAT(random.sample(40, 7), ElementsAre(5, 6, 22, 15, 1, 35, 34));
  EXPECT_THAT(random.sample(5000, 7), ElementsAre(2835, 3966, 3797, 1216, 747, 1499, 937));
  EXPECT_THAT(random.sample(90, 6), ElementsAre(1, 64, 62, 31, 8, 85));   // by a set
  EXPECT_THAT(random.sample(85, 6), ElementsAre(69, 59, 8, 76, 11, 65));  // by a list
}

TEST(PythonRandom, DrawsEverythingOrNothing) {
  PythonRandom random(0);
  EXPECT_THAT(random.sample(3, 0), SizeIs(0));
  EXPECT_THAT(random.sample(4, 4), testing::UnorderedElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace pajamas
