// SPDX-License-Identifier: Apache-2.0
// The tables of AArch64 processors.
#include <array>

#include "base/cpu_features.h"
#include "kernels/kernel_parts.h"

namespace pajamas {
namespace {

KernelTable make_neon() {
  KernelTable table{.isa = Isa::kNeon};
  neon::add_k_quants(table);
  neon::add_small_blocks(table);
  neon::add_other_blocks(table);
  neon::add_decoders(table);
  neon::add_floats(table);
  return table;
}

}  // namespace

std::span<const KernelTable* const> wide_kernel_tables() {
  static const KernelTable neon_table = make_neon();
  static const std::array<const KernelTable*, 1> tables = {&neon_table};
  return tables;
}

}  // namespace pajamas
