// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak_loops.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/cpu_features.h"

namespace pajamas {
namespace {

constexpr int kRounds = 2'000'000;
constexpr int kChains = 12;  // more than the latency of any of the instructions

// Instructions per second of `loop`, which runs kRounds * kChains of them.
template <typename Loop>
double measure(Loop loop) {
  using Clock = std::chrono::steady_clock;
  double least = 1e9;
  for (int run = 0; run < 4; ++run) {
    const auto before = Clock::now();
    loop();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - before).count());
  }
  return kRounds * static_cast<double>(kChains) / least;
}

// All operands of the chains, named so that each stays in a register.
#define PJ_CHAINS(INSTRUCTION)                                                                     \
  asm volatile("1:\n" INSTRUCTION " %%zmm30, %%zmm31, %%zmm0\n" INSTRUCTION                        \
               " %%zmm30, %%zmm31, %%zmm1\n" INSTRUCTION " %%zmm30, %%zmm31, %%zmm2\n" INSTRUCTION \
               " %%zmm30, %%zmm31, %%zmm3\n" INSTRUCTION " %%zmm30, %%zmm31, %%zmm4\n" INSTRUCTION \
               " %%zmm30, %%zmm31, %%zmm5\n" INSTRUCTION " %%zmm30, %%zmm31, %%zmm6\n" INSTRUCTION \
               " %%zmm30, %%zmm31, %%zmm7\n" INSTRUCTION " %%zmm30, %%zmm31, %%zmm8\n" INSTRUCTION \
               " %%zmm30, %%zmm31, %%zmm9\n" INSTRUCTION                                           \
               " %%zmm30, %%zmm31, %%zmm10\n" INSTRUCTION                                          \
               " %%zmm30, %%zmm31, %%zmm11\n"                                                      \
               "dec %0\n jnz 1b\n"                                                                 \
               : "+r"(rounds)                                                                      \
               :                                                                                   \
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
                 "xmm9", "xmm10", "xmm11")

}  // namespace

double measure_int8_ops() {
  if (!cpu_supports(Isa::kAvx512Vnni)) return 0.0;
  return 128.0 * measure([] {
           int rounds = kRounds;
           PJ_CHAINS("vpdpbusd");
         });
}

double measure_bf16_ops() {
  if (!cpu_supports(Isa::kAvx512Bf16)) return 0.0;
  return 64.0 * measure([] {
           int rounds = kRounds;
           PJ_CHAINS("vdpbf16ps");
         });
}

double measure_f32_ops() {
  if (!cpu_supports(Isa::kAvx512)) return 0.0;
  return 32.0 * measure([] {
           int rounds = kRounds;
           PJ_CHAINS("vfmadd231ps");
         });
}

}  // namespace pajamas
