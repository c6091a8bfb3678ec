// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "codecs/mxfp4/mxfp4.h"
#include "kernels/kernel_parts.h"
#include "tensor/dtype.h"
#include "tensor/half.h"

#include "kernels/target_neon_begin.h"
namespace pajamas::neon {
namespace {
#include "kernels/neon/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// The rest builds on those.
#include "kernels/simd/level_bins-inl.h"
// The types.
#include "kernels/simd/decode_block-inl.h"
// And these on that.
#include "kernels/simd/decode_small-inl.h"
#include "kernels/simd/decode_super-inl.h"
}  // namespace
}  // namespace pajamas::neon
#include "kernels/target_neon_end.h"

namespace pajamas::neon {

void add_decoders(KernelTable& table) {
  set_decoder(table, DType::kQ2_K, decode_each_block<DecodeQ2K>);
  set_decoder(table, DType::kQ3_K, decode_each_block<DecodeQ3K>);
  set_decoder(table, DType::kQ4_K, decode_each_block<DecodeSixBitScaled<false>>);
  set_decoder(table, DType::kQ5_K, decode_each_block<DecodeSixBitScaled<true>>);
  set_decoder(table, DType::kQ6_K, decode_each_block<DecodeQ6K>);
  set_decoder(table, DType::kQ8_0, decode_each_block<DecodeQ80>);
  set_decoder(table, DType::kQ4_0, decode_each_block<DecodeNibbles<false, false>>);
  set_decoder(table, DType::kQ4_1, decode_each_block<DecodeNibbles<false, true>>);
  set_decoder(table, DType::kQ5_0, decode_each_block<DecodeNibbles<true, false>>);
  set_decoder(table, DType::kQ5_1, decode_each_block<DecodeNibbles<true, true>>);
  set_decoder(table, DType::kIQ4_NL, decode_each_block<DecodeIQ4NL>);
  set_decoder(table, DType::kIQ4_XS, decode_each_block<DecodeIQ4XS>);
  set_decoder(table, DType::kTQ2_0, decode_each_block<DecodeTQ20>);
  set_decoder(table, DType::kMXFP4, decode_each_block<DecodeMXFP4>);
}

}  // namespace pajamas::neon
