// SPDX-License-Identifier: Apache-2.0
// Float weights. The quantized ones need VNNI to gain from 512 bits; without it they are AVX2's.
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

#include "kernels/target_avx512_begin.h"
namespace pajamas::avx512 {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/repeat-inl.h"
// Builds on those.
#include "kernels/avx512/matmul_vec-inl.h"
// The loops, and what they do with the types.
#include "kernels/simd/matmul_loops-inl.h"
// After it.
#include "kernels/simd/matmul_floats-inl.h"
}  // namespace
}  // namespace pajamas::avx512
#include "kernels/target_x86_end.h"

namespace pajamas::avx512 {

void add_matmul(KernelTable& table) {
  set_matmul(table, DType::kF32, kFloatsKernel<F32Weights, ActivationForm::kF32>);
  set_matmul(table, DType::kF16, kFloatsKernel<F16Weights, ActivationForm::kF32>);
  set_matmul(table, DType::kBF16, kFloatsKernel<BF16AsF32, ActivationForm::kF32>);
}

}  // namespace pajamas::avx512
