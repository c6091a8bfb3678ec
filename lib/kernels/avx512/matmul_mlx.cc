// SPDX-License-Identifier: Apache-2.0
// 8-bit floats in F32; the other types of MLX need VNNI to gain from 512 bits.
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

#include "kernels/target_avx512_begin.h"
namespace pajamas::avx512 {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/repeat-inl.h"
// Builds on those.
#include "kernels/avx512/matmul_vec-inl.h"
// Its field moves only.
#include "kernels/simd/matmul_codes-inl.h"
// The loops, and what they do with the types.
#include "kernels/simd/matmul_loops-inl.h"
// After it.
#include "kernels/simd/matmul_mxfp8-inl.h"
}  // namespace
}  // namespace pajamas::avx512
#include "kernels/target_x86_end.h"

namespace pajamas::avx512 {

void add_mlx_matmul(KernelTable& table) {
  set_matmul(table, {{MlxMode::kMxfp8, 8, 32}, DType::kBF16}, kMxfp8Kernel<E4M3AsF32>);
}

}  // namespace pajamas::avx512
