// SPDX-License-Identifier: Apache-2.0
// How the tables are put together: each file of an instruction set's folder adds its functions.
// tables_*.cc, one per processor family, calls those that this machine can run.
#pragma once

#include <cstddef>
#include <span>

#include "base/check.h"
#include "kernels/kernel_table.h"
#include "kernels/matmul_kernel.h"
#include "tensor/dtype.h"

namespace pajamas {

inline void set_encoder(KernelTable& table, DType dtype, EncodeRowsFn encode) {
  table.encode[static_cast<std::size_t>(dtype)] = encode;
}
inline void set_decoder(KernelTable& table, DType dtype, DecodeRowsFn decode) {
  table.decode[static_cast<std::size_t>(dtype)] = decode;
}
inline void set_attend(KernelTable& table, KvType type, void (*attend)(const AttentionTask&)) {
  table.ops.attend[static_cast<std::size_t>(type)] = attend;
}
inline void set_matmul(KernelTable& table, WeightType type, const MatmulKernel& kernel) {
  table.matmul[matmul_slot(type)] = &kernel;
}

namespace generic {
void add_floats(KernelTable& table);
void add_vector_ops(KernelTable& table);
void add_attention(KernelTable& table);
void add_matmul(KernelTable& table);
}  // namespace generic
namespace avx2 {
void add_k_quants(KernelTable& table);
void add_small_blocks(KernelTable& table);
void add_other_blocks(KernelTable& table);
void add_decoders(KernelTable& table);
void add_floats(KernelTable& table);
void add_vector_ops(KernelTable& table);
void add_attention(KernelTable& table);
void add_matmul(KernelTable& table);
void add_mlx_matmul(KernelTable& table);
void quantize_activations(const float* x, std::int64_t n_blocks, ActivationBlock* out);
}  // namespace avx2
namespace avx512 {
void add_k_quants(KernelTable& table);
void add_small_blocks(KernelTable& table);
void add_other_blocks(KernelTable& table);
void add_decoders(KernelTable& table);
void add_floats(KernelTable& table);
void add_vector_ops(KernelTable& table);
void add_attention(KernelTable& table);
void add_matmul(KernelTable& table);
}  // namespace avx512
namespace avx512vnni {
void add_matmul(KernelTable& table);
void add_mlx_matmul(KernelTable& table);
void add_attention(KernelTable& table);
}  // namespace avx512vnni
namespace avx512bf16 {
void add_matmul(KernelTable& table);
}  // namespace avx512bf16
namespace neon {
void add_k_quants(KernelTable& table);
void add_small_blocks(KernelTable& table);
void add_other_blocks(KernelTable& table);
void add_decoders(KernelTable& table);
void add_floats(KernelTable& table);
}  // namespace neon

const KernelTable* table_or_selected(const KernelTable* table);

// What `pick` finds in the widest table up to `table` (nullptr: the selected one), nullptr when
// none has it.
template <typename Pick>
auto find_in_tables(const KernelTable* table, Pick pick) -> decltype(pick(*table)) {
  const KernelTable* const widest = table_or_selected(table);
  const auto tables = all_kernel_tables();
  bool reached = false;
  for (auto at = tables.rbegin(); at != tables.rend(); ++at) {
    reached = reached || *at == widest;
    if (reached && pick(**at) != nullptr) return pick(**at);
  }
  PJ_CHECK(reached);
  return nullptr;
}

// The tables for wider sets than generic that this machine runs, narrowest first.
std::span<const KernelTable* const> wide_kernel_tables();

}  // namespace pajamas
