// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas::report {
namespace {

using testing::ElementsAre;

std::vector<std::string> labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const Tick& tick : axis.ticks()) labels.push_back(tick.label);
  return labels;
}

TEST(Axis, LinearTicksAreRoundNumbersAroundTheValues) {
  EXPECT_THAT(labels(Axis::linear(0, 2.83)), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(labels(Axis::linear(0, 0.137)), ElementsAre("0.00", "0.05", "0.10", "0.15"));
  EXPECT_THAT(labels(Axis::linear(-3, 41)), ElementsAre("−10", "0", "10", "20", "30", "40", "50"));
}

TEST(Axis, LogarithmicTicksAreDecadesOrSteps) {
  EXPECT_THAT(labels(Axis::logarithmic(3e-5, 0.06)),
              ElementsAre("10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1"));
  EXPECT_THAT(labels(Axis::logarithmic(0.03, 0.6)),
              ElementsAre("0.02", "0.05", "0.1", "0.2", "0.5", "1"));
  EXPECT_LE(Axis::logarithmic(1, 1e300).ticks().size(), 8U);
}

TEST(Axis, ValuesGoWhereTheyBelongAndNeverOutside) {
  Axis linear = Axis::linear(0, 10);
  linear.set_pixels(100, 200);
  EXPECT_EQ(linear.place(5), 150);
  EXPECT_EQ(linear.place(-5), 100);
  EXPECT_EQ(linear.place(50), 200);
  Axis log = Axis::logarithmic(1e-4, 1);
  log.set_pixels(400, 0);
  EXPECT_NEAR(log.place(1e-2), 200, 1e-9);
  EXPECT_EQ(log.place(0), 400);
}

TEST(Axis, OneDecadeOfOneValueHasTwoEnds) {
  const Axis axis = Axis::logarithmic(0.1, 1);
  EXPECT_LT(axis.least(), axis.most());
  EXPECT_GE(axis.ticks().size(), 2U);
}

TEST(Axis, BytesAreShownInTheUnitOfTheLargest) {
  EXPECT_EQ(byte_unit_for(5.25e6).name, "MB");
  EXPECT_EQ(byte_unit_for(1.6e10).name, "GB");
  EXPECT_EQ(byte_unit_for(900).name, "kB");
}

}  // namespace
}  // namespace pajamas::report
