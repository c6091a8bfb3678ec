// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/kernel_parts.h"
#include "tensor/dtype.h"

#include "kernels/target_avx2_begin.h"
namespace pajamas::avx2 {
namespace {
#include "kernels/avx2/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// Builds on those.
#include "kernels/simd/floats-inl.h"
}  // namespace
}  // namespace pajamas::avx2
#include "kernels/target_x86_end.h"

namespace pajamas::avx2 {

void add_floats(KernelTable& table) {
  set_decoder(table, DType::kBF16, decode_halves<bf16_to_float>);
  set_decoder(table, DType::kF16, decode_halves<f16_to_float>);
  set_encoder(table, DType::kBF16, encode_halves<float_to_bf16>);
  set_encoder(table, DType::kF16, encode_halves<float_to_f16>);
  table.find_non_finite = find_non_finite_lanes;
}

}  // namespace pajamas::avx2
