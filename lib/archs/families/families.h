// SPDX-License-Identifier: Apache-2.0
// The list of families: one line each. A new family is a file beside this one and a line here.
#pragma once

#include "archs/arch_spec.h"

// X(constant). The order is that of list-methods.
#define PJ_ARCH_FAMILIES(X) \
  X(kLlamaArch)             \
  X(kMistralArch)           \
  X(kMixtralArch)           \
  X(kQwen2Arch)             \
  X(kQwen2MoeArch)          \
  X(kQwen3Arch)             \
  X(kQwen3MoeArch)          \
  X(kGemma2Arch)            \
  X(kGemma3Arch)            \
  X(kPhi3Arch)              \
  X(kSmolLm3Arch)           \
  X(kGraniteArch)           \
  X(kOlmo2Arch)

namespace pajamas {

#define PJ_DECLARE_FAMILY(constant) extern const ArchSpec constant;
PJ_ARCH_FAMILIES(PJ_DECLARE_FAMILY)
#undef PJ_DECLARE_FAMILY

}  // namespace pajamas
