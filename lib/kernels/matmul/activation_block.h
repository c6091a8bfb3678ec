// SPDX-License-Identifier: Apache-2.0
// Activations as signed bytes: what ActivationForm::kQ8 stores for 32 columns of one token.
//
// The scale of a block is a power of two, 2^e, the smallest that keeps every code within -127 ..
// 127. A power of two costs nothing to apply: the integer dot product is summed up on top of the
// bits of the float 1.5 * 2^(23 + e), whose last place is worth 2^e, so that the sum read as a
// float, minus that float, is the dot product times the scale. Sums stay below 2^22.
#pragma once

#include <algorithm>
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
//   60  u32    in each run of 8 blocks: blocks 0, 2, 4, 6 hold two of the run's ChunkSums, block 1
//              holds their base, the others 0; 0 in blocks after the last whole run
struct ActivationBlock {
  std::int8_t codes[kBlockCols];
  float base;
  std::int32_t biased_start;
  float sum;
  std::int32_t half_biased_start[2];
  float half_sum[2];
  std::int32_t chunk_word;
};
static_assert(sizeof(ActivationBlock) == 64);

// The same as indexes of 32-bit words: the codes of 4 columns are one word.
inline constexpr int kBlockWords = 16;
inline constexpr int kBaseWord = 8;
inline constexpr int kBiasedStartWord = 9;
inline constexpr int kSumWord = 10;
inline constexpr int kHalfBiasedStartWord = 11;
inline constexpr int kHalfSumWord = 13;
inline constexpr int kChunkWord = 15;

// The scale of a block, from the bits of the largest magnitude in it.
struct BlockScale {
  bool is_bad;        // not finite, or too large
  std::int32_t base;  // bits
  float scale;        // 2^e
  float inverse;      // 2^-e
};

// Adding 2^16 to the bits raises the exponent where the largest code would round to 128. All is
// arithmetic on the exponent field; 2^e is 6 below the peak's. Peaks below 2^-103 count as that.
inline BlockScale scale_of_peak(std::int32_t peak_bits) {
  const std::int32_t exponent = std::max(24, (peak_bits + 0x10000) >> 23);
  if (exponent > 237) {
    constexpr std::int32_t kNanBits = 0x7fc00000;
    return {true, kNanBits, std::bit_cast<float>(kNanBits), 0.0F};
  }
  return {false, ((exponent + 17) << 23) | 0x400000, std::bit_cast<float>((exponent - 6) << 23),
          std::bit_cast<float>((260 - exponent) << 23)};
}

// Everything but the codes. sums: of the codes of columns 0-15 and 16-31.
inline void finish_block(const BlockScale& scale, const std::int32_t (&sums)[2],
                         ActivationBlock& block) {
  const std::int32_t sum = sums[0] + sums[1];
  block.base = std::bit_cast<float>(scale.base);
  block.biased_start = scale.base - 128 * sum;
  block.sum = scale.scale * static_cast<float>(sum);
  for (int half = 0; half < 2; ++half) {
    block.half_biased_start[half] = scale.base - 128 * sums[half];
    block.half_sum[half] = scale.scale * static_cast<float>(sums[half]);
  }
  block.chunk_word = 0;
}

// The sums of 8 blocks on one scale, as 16-bit numbers: what the K types multiply with their group
// offsets, two at a time. The scale is half that of the block with the largest one, so that only
// sums of other blocks are rounded, and 8 products with 6-bit offsets stay below 2^22.
inline constexpr int kChunkSums = 8;

// Writes the chunk_word of 8 finished blocks.
inline void finish_chunk(ActivationBlock* blocks) {
  std::int32_t base = 0;
  for (int at = 0; at < kChunkSums; ++at) {
    base = std::max(base, std::bit_cast<std::int32_t>(blocks[at].base));
  }
  const bool is_bad = base >= 0x7f800000;
  // 2^(1 - e) of the block with the largest scale; its base has the exponent field 150 + e.
  const float inverse = is_bad ? 0.0F : std::bit_cast<float>((278 - (base >> 23)) << 23);
  std::int32_t sums[kChunkSums];
  for (int at = 0; at < kChunkSums; ++at) {
    // Adding 1.5 * 2^23 rounds to the nearest integer, faster than the library does.
    sums[at] = is_bad ? 0
                      : std::bit_cast<std::int32_t>(blocks[at].sum * inverse + 0x1.8p23F) -
                            std::bit_cast<std::int32_t>(0x1.8p23F);
  }
  for (int at = 0; at < kChunkSums; at += 2) {
    blocks[at].chunk_word =
        (sums[at] & 0xffff) |
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[at + 1]) << 16);
  }
  blocks[1].chunk_word = is_bad ? base : base - (1 << 23);
}

}  // namespace pajamas
