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

#include "kernels/target_avx512vnni_begin.h"
namespace pajamas::avx512vnni {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/repeat-inl.h"
// Builds on those.
#include "kernels/avx512/matmul_vec-inl.h"
#include "kernels/avx512vnni/dot-inl.h"
// The types that MLX's build on.
#include "kernels/simd/matmul_codes-inl.h"
// The loops, and what they do with the types.
#include "kernels/simd/matmul_loops-inl.h"
// After it.
#include "kernels/simd/matmul_tile-inl.h"
// MLX's types.
#include "kernels/simd/matmul_mlx_codes-inl.h"
}  // namespace
}  // namespace pajamas::avx512vnni
#include "kernels/target_x86_end.h"

namespace pajamas::avx512vnni {

void add_mlx_matmul(KernelTable& table) {
  set_matmul(table, {{MlxMode::kAffine, 2, 64}, DType::kBF16}, kMlxAffineKernel<2>);
  set_matmul(table, {{MlxMode::kAffine, 3, 64}, DType::kBF16}, kMlxAffineKernel<3>);
  set_matmul(table, {{MlxMode::kAffine, 4, 64}, DType::kBF16}, kMlxAffineKernel<4>);
  set_matmul(table, {{MlxMode::kAffine, 5, 64}, DType::kBF16}, kMlxAffineKernel<5>);
  set_matmul(table, {{MlxMode::kAffine, 6, 64}, DType::kBF16}, kMlxAffineKernel<6>);
  set_matmul(table, {{MlxMode::kAffine, 8, 64}, DType::kBF16}, kMlxAffineKernel<8>);
  set_matmul(table, {{MlxMode::kMxfp4, 4, 32}, DType::kBF16}, kCodesKernel<MlxMxfp4>);
  set_matmul(table, {{MlxMode::kNvfp4, 4, 16}, DType::kBF16}, kCodesKernel<MlxNvfp4>);
  set_matmul(table, {{MlxMode::kMxfp8, 8, 32}, DType::kBF16}, kCodesKernel<MlxMxfp8>);
}

}  // namespace pajamas::avx512vnni
