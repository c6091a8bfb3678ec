// SPDX-License-Identifier: Apache-2.0
// What the products need beyond vec-inl.h, sixteen rows at a time. Included after it.

constexpr int kTileTokens = 12;  // 12 sums of integers, 12 of floats, 8 registers for the rest

PJ_VEC I splat_int(int x) { return splat(static_cast<I*>(nullptr), x); }
PJ_VEC F splat_float(float x) { return splat(static_cast<F*>(nullptr), x); }
PJ_VEC I load_aligned(const void* p) { return {_mm512_load_si512(p)}; }
PJ_VEC F load_f16(const void* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i_u*>(p)))};
}
// kLanes E4M3 bytes; 0x7f counts as 480. As F16 they are 2^-8 as large.
PJ_VEC F load_e4m3(const void* p) {
  const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(static_cast<const __m128i_u*>(p)));
  const __m256i halves =
      _mm256_and_si256(_mm256_slli_epi16(wide, 7), _mm256_set1_epi16(static_cast<short>(0xbf80)));
  return {_mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(256.0F))};
}
PJ_VEC F fma(F a, F b, F c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
PJ_VEC I broadcast(const std::int32_t* p) { return {_mm512_set1_epi32(*p)}; }
// table[low 4 bits of each byte]; the high bits are 0.
PJ_VEC I look_up_bytes(const std::uint8_t* table, I indexes) {
  const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(table));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(levels), indexes.v)};
}
PJ_VEC I multiply_halves(I a, I b) { return {_mm512_mullo_epi16(a.v, b.v)}; }
PJ_VEC F load_first(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p)};
}
PJ_VEC void store_first(float* p, F x, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1), x.v);
}
// Words of kTokens records of 64 bytes, token by token: the first kKept, then kExtra from kFirst
// on. Writes up to 64 bytes past the words.
template <int kKept, int kFirst, int kExtra, int kTokens>
PJ_VEC void interleave_record(const std::byte* const (&rows)[kTokens], std::int32_t* out) {
  __m512 v[16] = {};
#pragma GCC unroll 16
  for (int token = 0; token < kTokens; ++token) v[token] = _mm512_loadu_ps(rows[token]);
  transpose(v);
#pragma GCC unroll 16
  for (int word = 0; word < kKept; ++word) _mm512_storeu_ps(out + word * kTokens, v[word]);
#pragma GCC unroll 16
  for (int word = 0; word < kExtra; ++word) {
    _mm512_storeu_ps(out + (kKept + word) * kTokens, v[kFirst + word]);
  }
}
