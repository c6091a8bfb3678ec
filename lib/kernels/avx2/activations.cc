// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernel_parts.h"
#include "kernels/matmul/activation_block.h"

#include "kernels/target_avx2_begin.h"
namespace pajamas::avx2 {
namespace {

// The largest of eight non-negative numbers.
inline std::int32_t largest(__m256i v) {
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
  return _mm_cvtsi128_si32(m);
}

// Sums of the codes of columns 0-15 and 16-31.
struct HalfSums {
  std::int32_t of[2];
};
inline HalfSums half_sums(__m256i codes) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
  __m256i sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4e));
  sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xb1));
  return {{_mm_cvtsi128_si32(_mm256_castsi256_si128(sums)),
           _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1))}};
}

void quantize_block(const float* x, ActivationBlock& block) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256 values[4];
  __m256i peaks = _mm256_setzero_si256();
  for (int part = 0; part < 4; ++part) {
    values[part] = _mm256_loadu_ps(x + 8 * part);
    peaks = _mm256_max_epi32(peaks, _mm256_and_si256(_mm256_castps_si256(values[part]), magnitude));
  }
  const BlockScale scale = scale_of_peak(largest(peaks));
  const __m256 inverse = _mm256_set1_ps(scale.inverse);
  __m256i codes[4];
  for (int part = 0; part < 4; ++part) {
    codes[part] = _mm256_cvtps_epi32(_mm256_mul_ps(values[part], inverse));
    if (scale.is_bad) codes[part] = _mm256_setzero_si256();
  }
  const __m256i low = _mm256_packs_epi32(codes[0], codes[1]);
  const __m256i high = _mm256_packs_epi32(codes[2], codes[3]);
  // Packing works inside halves of 128 bits; the order of words is put right at the end.
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high),
                                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(block.codes), bytes);
  const HalfSums sums = half_sums(bytes);
  finish_block(scale, sums.of, block);
}

}  // namespace

void quantize_activations(const float* x, std::int64_t n_blocks, ActivationBlock* out) {
  for (std::int64_t block = 0; block < n_blocks; ++block) {
    quantize_block(x + kBlockCols * block, out[block]);
  }
}

}  // namespace pajamas::avx2
#include "kernels/target_x86_end.h"
