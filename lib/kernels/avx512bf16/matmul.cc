// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/kernel_parts.h"
#include "kernels/matmul.h"
#include "kernels/matmul/packed_form.h"
#include "kernels/matmul_kernel.h"
#include "kernels/matmul_scratch.h"
#include "tensor/dtype.h"

#include "kernels/target_avx512bf16_begin.h"
namespace pajamas::avx512bf16 {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/repeat-inl.h"
// Builds on those.
#include "kernels/avx512/matmul_vec-inl.h"
// The loops, and what they do with the types.
#include "kernels/simd/matmul_loops-inl.h"
// After it.
#include "kernels/simd/matmul_floats-inl.h"

// Two columns a word. The instruction flushes denormal numbers to zero.
struct BF16Pairs {
  static constexpr int kElemBytes = 2;
  static constexpr int kWordCols = 2;
  PJ_VEC static I load(const std::byte* p) { return load_aligned(p); }
  PJ_VEC static F add(F sum, I weights, const std::int32_t* x) {
    // Written out, as compilers differ in the type of the intrinsic's operands.
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum.v) : "v"(weights.v), "m"(*x));
    return sum;
  }
};
}  // namespace
}  // namespace pajamas::avx512bf16
#include "kernels/target_x86_end.h"

namespace pajamas::avx512bf16 {

void add_matmul(KernelTable& table) {
  set_matmul(table, DType::kBF16, kFloatsKernel<BF16Pairs, ActivationForm::kBF16>);
}

}  // namespace pajamas::avx512bf16
