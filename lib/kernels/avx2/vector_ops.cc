// SPDX-License-Identifier: Apache-2.0
#include "kernels/vector_ops.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_parts.h"

#include "kernels/target_avx2_begin.h"
namespace pajamas::avx2 {
namespace {
#include "kernels/avx2/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// Builds on those.
#include "kernels/avx2/arithmetic-inl.h"
// And on that.
#include "kernels/simd/exp-inl.h"
// And on all of them.
#include "kernels/simd/vector_ops-inl.h"
}  // namespace
}  // namespace pajamas::avx2
#include "kernels/target_x86_end.h"

namespace pajamas::avx2 {

void add_vector_ops(KernelTable& table) {
  table.ops.rms_norm = rms_norm_lanes;
  table.ops.add_to = add_to_lanes;
  table.ops.scale_by = scale_by_lanes;
  table.ops.softcap = softcap_lanes;
  table.ops.silu_mul = silu_mul_lanes;
  table.ops.gelu_tanh_mul = gelu_tanh_mul_lanes;
  table.ops.softmax = softmax_lanes;
  table.ops.argmax = argmax_lanes;
  table.ops.rope = rope_lanes;
}

}  // namespace pajamas::avx2
