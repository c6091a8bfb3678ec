// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/kernel_parts.h"
#include "kernels/scalar_block.h"
#include "tensor/dtype.h"

#include "kernels/target_avx512_begin.h"
namespace pajamas::avx512 {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// How many vectors a search runs side by side: measured, see bench/kernels.
using AffineVec = Pair<Pair<F>>;
using SymmetricVec = Pair<F>;
using RefineVec = Pair<Pair<F>>;
#include "kernels/simd/k_quants-inl.h"
}  // namespace
}  // namespace pajamas::avx512
#include "kernels/target_x86_end.h"

namespace pajamas::avx512 {

void add_k_quants(KernelTable& table) {
  set_encoder(table, DType::kQ2_K, encode_lane_blocks<Q2K>);
  set_encoder(table, DType::kQ3_K, encode_lane_blocks<Q3K>);
  set_encoder(table, DType::kQ4_K, encode_lane_blocks<Q4K>);
  set_encoder(table, DType::kQ5_K, encode_lane_blocks<Q5K>);
  set_encoder(table, DType::kQ6_K, encode_lane_blocks<Q6K>);
}

}  // namespace pajamas::avx512
