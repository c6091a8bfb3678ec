// SPDX-License-Identifier: Apache-2.0
// Instruction sets the kernels are written for, and which of them this machine runs.
#pragma once

#include <optional>
#include <string_view>

namespace pajamas {

enum class Isa { kGeneric, kAvx2, kAvx512, kAvx512Vnni, kAvx512Bf16, kNeon };

std::string_view isa_name(Isa isa);  // "generic", "avx2", ...
std::optional<Isa> parse_isa(std::string_view name);

// kAvx2: AVX2, FMA and F16C. kAvx512: F, BW, DQ and VL on top. kAvx512Vnni: VNNI on top.
// kAvx512Bf16: BF16 on top of all. kGeneric: always.
bool cpu_supports(Isa isa);

// Made by Intel; false on anything but x86.
bool cpu_is_intel();

// AMD's number of the family: 0x17 is Zen 1 and 2, 0x19 Zen 3 and 4, 0x1a Zen 5. 0 where the
// processor is not AMD's.
int cpu_amd_family();

}  // namespace pajamas
