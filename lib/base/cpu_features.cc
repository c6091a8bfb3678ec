// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <utility>

namespace pajamas {
namespace {

constexpr std::array kIsaNames = {
    std::pair{Isa::kGeneric, std::string_view("generic")},
    std::pair{Isa::kAvx2, std::string_view("avx2")},
    std::pair{Isa::kAvx512, std::string_view("avx512")},
    std::pair{Isa::kAvx512Vnni, std::string_view("avx512vnni")},
    std::pair{Isa::kAvx512Bf16, std::string_view("avx512bf16")},
    std::pair{Isa::kNeon, std::string_view("neon")},
};

}  // namespace

std::string_view isa_name(Isa isa) {
  for (const auto& [value, name] : kIsaNames) {
    if (value == isa) return name;
  }
  return "unknown";
}

std::optional<Isa> parse_isa(std::string_view name) {
  for (const auto& [value, known] : kIsaNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

bool cpu_supports(Isa isa) {
  switch (isa) {
    case Isa::kGeneric:
      return true;
#if defined(__x86_64__)
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
    case Isa::kAvx512:
      return cpu_supports(Isa::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case Isa::kAvx512Vnni:
      return cpu_supports(Isa::kAvx512) && __builtin_cpu_supports("avx512vnni");
    case Isa::kAvx512Bf16:
      return cpu_supports(Isa::kAvx512Vnni) && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
    case Isa::kNeon:
      return true;
#endif
    default:
      return false;
  }
}

bool cpu_is_intel() {
#if defined(__x86_64__)
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

int cpu_amd_family() {
#if defined(__x86_64__)
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__builtin_cpu_is("amd") == 0 || __get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return 0;
  const unsigned family = eax >> 8 & 0xf;
  return static_cast<int>(family == 0xf ? family + (eax >> 20 & 0xff) : family);
#else
  return 0;
#endif
}

}  // namespace pajamas
