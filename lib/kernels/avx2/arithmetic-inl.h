// SPDX-License-Identifier: Apache-2.0
// What the forward pass needs of AVX2 beyond vec-inl.h, which this follows. The names are explained
// in kernels/avx512/arithmetic-inl.h.

PJ_VEC F fma(F a, F b, F c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
PJ_VEC F everywhere(const float* p) { return {_mm256_broadcast_ss(p)}; }
PJ_VEC I everywhere(const std::int32_t* p) { return {_mm256_set1_epi32(*p)}; }
PJ_VEC F load_f16(const void* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i_u*>(p)))};
}
// In two steps, as 2^n alone may be too large or too small for a float. |n| < 252.
PJ_VEC F times_power_of_two(F x, F n) {
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
  const __m256 part = _mm256_mul_ps(x.v, _mm256_castsi256_ps(first));
  return {_mm256_mul_ps(part, _mm256_castsi256_ps(second))};
}

PJ_VEC float first_lane(F x) { return _mm256_cvtss_f32(x.v); }
PJ_VEC float sum_of_lanes(F x) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x.v), _mm256_extractf128_ps(x.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
PJ_VEC float largest_lane(F x) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x.v), _mm256_extractf128_ps(x.v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

PJ_VEC I lane_numbers() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }

PJ_VEC I even_bytes(I x) { return {_mm256_and_si256(x.v, _mm256_set1_epi32(0x00ff00ff))}; }
PJ_VEC I odd_bytes(I x) { return {_mm256_srli_epi16(x.v, 8)}; }
PJ_VEC I even_signed_bytes(I x) { return {_mm256_srai_epi16(_mm256_slli_epi16(x.v, 8), 8)}; }
PJ_VEC I odd_signed_bytes(I x) { return {_mm256_srai_epi16(x.v, 8)}; }

PJ_VEC I pair_up(I x) {
  const __m256i upper = _mm256_slli_epi32(_mm256_shuffle_epi32(x.v, 0xee), 16);
  return {_mm256_blend_epi16(x.v, upper, 0xaa)};
}
