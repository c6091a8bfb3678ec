// SPDX-License-Identifier: Apache-2.0
#include "base/process_stats.h"

#include <vector>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

TEST(ProcessStats, PeakMemoryGrowsByWhatIsTouched) {
  constexpr std::uint64_t kBytes = std::uint64_t{64} << 20;
  const std::uint64_t before = peak_rss_bytes();
  const std::vector<char> block(kBytes, 'x');
  EXPECT_EQ(block.back(), 'x');
  EXPECT_GE(peak_rss_bytes(), before);
  EXPECT_GE(peak_rss_bytes(), kBytes);
}

TEST(ProcessStats, CpuTimeGrowsWithWorkOrThisNeverEnds) {
  const double before = cpu_seconds();
  volatile std::uint64_t sum = 0;
  // The system rounds user and system time apart, so a step of a microsecond may go backwards.
  while (cpu_seconds() < before + 1e-3) sum = sum + 1;
  EXPECT_GT(sum, 0U);
}

}  // namespace
}  // namespace pajamas
