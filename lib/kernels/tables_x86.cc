// SPDX-License-Identifier: Apache-2.0
// The tables of x86-64 processors.
#include <vector>

#include "base/cpu_features.h"
#include "kernels/kernel_parts.h"

namespace pajamas {
namespace {

KernelTable make_avx2() {
  KernelTable table{.isa = Isa::kAvx2};
  avx2::add_k_quants(table);
  avx2::add_small_blocks(table);
  avx2::add_other_blocks(table);
  avx2::add_decoders(table);
  avx2::add_floats(table);
  avx2::add_vector_ops(table);
  avx2::add_attention(table);
  avx2::add_matmul(table);
  avx2::add_mlx_matmul(table);
  return table;
}

KernelTable make_avx512() {
  KernelTable table{.isa = Isa::kAvx512};
  avx512::add_k_quants(table);
  avx512::add_small_blocks(table);
  avx512::add_other_blocks(table);
  avx512::add_decoders(table);
  avx512::add_floats(table);
  avx512::add_vector_ops(table);
  avx512::add_attention(table);
  avx512::add_matmul(table);
  return table;
}

KernelTable make_avx512vnni() {
  KernelTable table{.isa = Isa::kAvx512Vnni};
  avx512vnni::add_matmul(table);
  avx512vnni::add_mlx_matmul(table);
  avx512vnni::add_attention(table);
  return table;
}

KernelTable make_avx512bf16() {
  KernelTable table{.isa = Isa::kAvx512Bf16};
  avx512bf16::add_matmul(table);
  return table;
}

std::vector<const KernelTable*> find_tables() {
  std::vector<const KernelTable*> tables;
  if (cpu_supports(Isa::kAvx2)) {
    static const KernelTable avx2_table = make_avx2();
    tables.push_back(&avx2_table);
  }
  if (cpu_supports(Isa::kAvx512)) {
    static const KernelTable avx512_table = make_avx512();
    tables.push_back(&avx512_table);
  }
  if (cpu_supports(Isa::kAvx512Vnni)) {
    static const KernelTable avx512vnni_table = make_avx512vnni();
    tables.push_back(&avx512vnni_table);
  }
  if (cpu_supports(Isa::kAvx512Bf16)) {
    static const KernelTable avx512bf16_table = make_avx512bf16();
    tables.push_back(&avx512bf16_table);
  }
  return tables;
}

}  // namespace

std::span<const KernelTable* const> wide_kernel_tables() {
  static const std::vector<const KernelTable*> tables = find_tables();
  return tables;
}

}  // namespace pajamas
