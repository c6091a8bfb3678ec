// SPDX-License-Identifier: Apache-2.0
// Products of bytes with VPMADDUBSW, whose sums of two must not pass 32767. Codes of affine types
// are small enough. The others are signed codes plus 128: their magnitudes, at most 128, times
// activations that take the sign, at most 127.

template <bool kAffine>
struct Codes;
template <>
struct Codes<true> {
  I bytes;
};
template <>
struct Codes<false> {
  I bytes;  // signed
  I magnitudes;
};

template <bool kAffine>
PJ_VEC Codes<kAffine> codes_of(I bytes) {
  if constexpr (kAffine) {
    return {bytes};
  } else {
    const __m256i codes = _mm256_xor_si256(bytes.v, _mm256_set1_epi8(-128));
    return {{codes}, {_mm256_abs_epi8(codes)}};
  }
}

PJ_VEC I add_pairs(I sum, __m256i pairs) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
}

// sum + codes . x, 4 columns a lane.
template <bool kAffine>
PJ_VEC I add_dot(I sum, Codes<kAffine> codes, const std::int32_t* x) {
  const __m256i activations = _mm256_set1_epi32(*x);
  if constexpr (kAffine) {
    return add_pairs(sum, _mm256_maddubs_epi16(codes.bytes.v, activations));
  } else {
    const __m256i turned = _mm256_sign_epi8(activations, codes.bytes.v);
    return add_pairs(sum, _mm256_maddubs_epi16(codes.magnitudes.v, turned));
  }
}

// sum + pairs . x, 2 16-bit numbers a lane.
PJ_VEC I add_pair_dot(I sum, I pairs, const std::int32_t* x) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(pairs.v, _mm256_set1_epi32(*x)))};
}

// Signed codes need no correction of where sums start.
constexpr bool kStartsBiased = false;
