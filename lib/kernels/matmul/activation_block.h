// SPDX-License-Identifier: Apache-2.0
// Activations as signed bytes: what ActivationForm::kQ8 stores for 32 columns of one token.
//
// The scale of a block is a power of two, 2^e, the smallest that keeps every code within -127 ..
// 127. A power of two costs nothing to apply: the integer dot product is summed up on top of the
// bits of the float 1.5 * 2^(23 + e), whose last place is worth 2^e, so that the sum read as a
// float, minus that float, is the dot product times the scale. Sums stay below 2^22.
#pragma once

#include <bit>
#include <cstdint>

namespace pajamas {

inline constexpr int kBlockCols = 32;

// Bytes of a block:
//    0  i8[32] codes; x ~ code * 2^e
//   32  f32    base: 1.5 * 2^(23 + e), or NaN when a value is not finite or beyond 2^110
//   36  i32    bits of base minus 128 * sum of the codes: where sums start when weights are stored
//              plus 128
//   40  f32    2^e * sum of the codes
//   44  i32[2] like the one at 36, of columns 0-15 and 16-31
//   52  f32[2] like the one at 40, of columns 0-15 and 16-31
//   60  u32    0
struct ActivationBlock {
  std::int8_t codes[kBlockCols];
  float base;
  std::int32_t biased_start;
  float sum;
  std::int32_t half_biased_start[2];
  float half_sum[2];
  std::uint32_t unused;
};
static_assert(sizeof(ActivationBlock) == 64);

// The same as indexes of 32-bit words: the codes of 4 columns are one word.
inline constexpr int kBlockWords = 16;
inline constexpr int kBaseWord = 8;
inline constexpr int kBiasedStartWord = 9;
inline constexpr int kSumWord = 10;
inline constexpr int kHalfBiasedStartWord = 11;
inline constexpr int kHalfSumWord = 13;

// From the bits of the largest magnitude in a block to its scale. Adding the carry raises the
// exponent when the codes would round to 128; all is integer arithmetic on the exponent field.
inline constexpr std::int32_t kPeakCarry = 0x10000;
inline constexpr std::int32_t kLeastPeakExponent = 24;   // below 2^-103 codes are 0
inline constexpr std::int32_t kMostPeakExponent = 237;   // base still finite
inline constexpr std::int32_t kInverseExponent = 260;    // minus the peak's: that of 2^-e
inline constexpr std::int32_t kBaseExponent = 17;        // plus the peak's: that of base
inline constexpr std::int32_t kScaleExponent = -6;       // plus the peak's: that of 2^e
inline constexpr std::int32_t kBaseMantissa = 0x400000;  // the 1.5 of base
inline constexpr std::int32_t kBadBase = 0x7fc00000;     // NaN

}  // namespace pajamas
