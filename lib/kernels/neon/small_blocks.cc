// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/kernel_parts.h"
#include "kernels/scalar_block.h"
#include "tensor/dtype.h"

#include "kernels/target_neon_begin.h"
namespace pajamas::neon {
namespace {
#include "kernels/neon/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// The rest builds on those.
#include "kernels/simd/fit_affine-inl.h"
#include "kernels/simd/fit_symmetric-inl.h"
#include "kernels/simd/lane_blocks-inl.h"
#include "kernels/simd/super_weights-inl.h"
// The types.
#include "kernels/simd/small_blocks-inl.h"
}  // namespace
}  // namespace pajamas::neon
#include "kernels/target_neon_end.h"

namespace pajamas::neon {

void add_small_blocks(KernelTable& table) {
  set_encoder(table, DType::kQ4_0, encode_lane_blocks<Q40>);
  set_encoder(table, DType::kQ4_1, encode_lane_blocks<Q41>);
  set_encoder(table, DType::kQ5_0, encode_lane_blocks<Q50>);
  set_encoder(table, DType::kQ5_1, encode_lane_blocks<Q51>);
  set_encoder(table, DType::kQ8_0, encode_lane_blocks<Q80>);
}

}  // namespace pajamas::neon
