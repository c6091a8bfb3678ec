// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_features.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

TEST(CpuFeatures, EveryNameParsesBackToItsInstructionSet) {
  for (const Isa isa :
       {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Bf16, Isa::kNeon}) {
    EXPECT_EQ(parse_isa(isa_name(isa)), isa);
  }
  EXPECT_EQ(parse_isa("sse9"), std::nullopt);
  EXPECT_EQ(parse_isa(""), std::nullopt);
}

TEST(CpuFeatures, GenericRunsEverywhereAndAvx512ImpliesAvx2) {
  EXPECT_TRUE(cpu_supports(Isa::kGeneric));
  EXPECT_TRUE(!cpu_supports(Isa::kAvx512) || cpu_supports(Isa::kAvx2));
  EXPECT_FALSE(cpu_supports(Isa::kAvx2) && cpu_supports(Isa::kNeon));
}

TEST(CpuFeatures, AProcessorHasOneMakerAndItsFamilySaysWhatItCanDo) {
  EXPECT_FALSE(cpu_is_intel() && cpu_amd_family() != 0);
  // x86-64 began with family 0xf, AVX-512 with Zen 4.
  if (cpu_amd_family() == 0) GTEST_SKIP() << "not an AMD processor";
  EXPECT_GE(cpu_amd_family(), cpu_supports(Isa::kAvx512) ? 0x19 : 0x0f);
}

}  // namespace
}  // namespace pajamas
