// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "codecs/iq4/nonlinear_fit.h"
#include "codecs/mxfp4/mxfp4.h"
#include "kernels/kernel_parts.h"
#include "kernels/matmul.h"
#include "kernels/matmul/activation_block.h"
#include "kernels/matmul/packed_form.h"
#include "kernels/matmul_kernel.h"
#include "kernels/matmul_scratch.h"
#include "tensor/dtype.h"

#include "kernels/target_avx2_begin.h"
namespace pajamas::avx2 {
namespace {
#include "kernels/avx2/vec-inl.h"
#include "kernels/simd/repeat-inl.h"
// Builds on those.
#include "kernels/avx2/dot-inl.h"
#include "kernels/avx2/matmul_vec-inl.h"
// The types.
#include "kernels/simd/matmul_codes-inl.h"
#include "kernels/simd/matmul_super_codes-inl.h"
// The loops, and what they do with the types.
#include "kernels/simd/matmul_loops-inl.h"
// After it.
#include "kernels/simd/matmul_floats-inl.h"
#include "kernels/simd/matmul_tile-inl.h"
}  // namespace
}  // namespace pajamas::avx2
#include "kernels/target_x86_end.h"

namespace pajamas::avx2 {

void add_matmul(KernelTable& table) {
  table.quantize_activations = quantize_activations;
  set_matmul(table, DType::kF32, kFloatsKernel<F32Weights, ActivationForm::kF32>);
  set_matmul(table, DType::kF16, kFloatsKernel<F16Weights, ActivationForm::kF32>);
  set_matmul(table, DType::kBF16, kFloatsKernel<BF16AsF32, ActivationForm::kF32>);
  set_matmul(table, DType::kQ4_0, kCodesKernel<Q40>);
  set_matmul(table, DType::kQ4_1, kCodesKernel<Q41>);
  set_matmul(table, DType::kQ5_0, kCodesKernel<FiveBits<false>>);
  set_matmul(table, DType::kQ5_1, kCodesKernel<FiveBits<true>>);
  set_matmul(table, DType::kQ8_0, kCodesKernel<Q80>);
  set_matmul(table, DType::kQ2_K, kCodesKernel<Q2K>);
  set_matmul(table, DType::kQ3_K, kCodesKernel<Q3K>);
  set_matmul(table, DType::kQ4_K, kCodesKernel<SixBitScaled<false>>);
  set_matmul(table, DType::kQ5_K, kCodesKernel<SixBitScaled<true>>);
  set_matmul(table, DType::kQ6_K, kCodesKernel<Q6K>);
  set_matmul(table, DType::kIQ4_NL, kCodesKernel<IQ4NL>);
  set_matmul(table, DType::kIQ4_XS, kCodesKernel<IQ4XS>);
  set_matmul(table, DType::kTQ1_0, kCodesKernel<TQ10>);
  set_matmul(table, DType::kTQ2_0, kCodesKernel<TQ20>);
  set_matmul(table, DType::kMXFP4, kCodesKernel<MXFP4>);
}

}  // namespace pajamas::avx2
