// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "codecs/mxfp4/mxfp4.h"
#include "kernels/kernel_parts.h"
#include "kernels/scalar_block.h"
#include "tensor/dtype.h"

#include "kernels/target_avx512_begin.h"
namespace pajamas::avx512 {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// The rest builds on those.
#include "kernels/simd/fit_affine-inl.h"
#include "kernels/simd/fit_symmetric-inl.h"
#include "kernels/simd/lane_blocks-inl.h"
#include "kernels/simd/super_weights-inl.h"
// Layouts that these types share with others.
#include "kernels/simd/bit_pairs-inl.h"
#include "kernels/simd/level_bins-inl.h"
#include "kernels/simd/small_blocks-inl.h"
// The types.
#include "kernels/simd/iq4-inl.h"
#include "kernels/simd/mxfp4-inl.h"
#include "kernels/simd/ternary-inl.h"
}  // namespace
}  // namespace pajamas::avx512
#include "kernels/target_x86_end.h"

namespace pajamas::avx512 {

void add_other_blocks(KernelTable& table) {
  set_encoder(table, DType::kIQ4_NL, encode_lane_blocks<IQ4NL>);
  set_encoder(table, DType::kIQ4_XS, encode_lane_blocks<IQ4XS>);
  set_encoder(table, DType::kTQ1_0, encode_lane_blocks<TQ10>);
  set_encoder(table, DType::kTQ2_0, encode_lane_blocks<TQ20>);
  set_encoder(table, DType::kMXFP4, encode_lane_blocks<MXFP4>);
}

}  // namespace pajamas::avx512
