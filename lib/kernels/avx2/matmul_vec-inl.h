// SPDX-License-Identifier: Apache-2.0
// What the products need beyond vec-inl.h, eight rows at a time. Included after it.

constexpr int kTileTokens = 6;  // 6 sums of integers, 6 of floats, 4 for the rest

PJ_VEC I splat_int(int x) { return splat(static_cast<I*>(nullptr), x); }
PJ_VEC F splat_float(float x) { return splat(static_cast<F*>(nullptr), x); }
PJ_VEC I load_aligned(const void* p) { return {_mm256_load_si256(static_cast<const __m256i*>(p))}; }
PJ_VEC F load_f16(const void* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i_u*>(p)))};
}
// kLanes E4M3 bytes; 0x7f counts as 480. As F16 they are 2^-8 as large.
PJ_VEC F load_e4m3(const void* p) {
  const __m128i wide = _mm_cvtepi8_epi16(_mm_loadl_epi64(static_cast<const __m128i_u*>(p)));
  const __m128i halves =
      _mm_and_si128(_mm_slli_epi16(wide, 7), _mm_set1_epi16(static_cast<short>(0xbf80)));
  return {_mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_set1_ps(256.0F))};
}
PJ_VEC F fma(F a, F b, F c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
PJ_VEC I broadcast(const std::int32_t* p) { return {_mm256_set1_epi32(*p)}; }
// table[low 4 bits of each byte]; the high bits are 0.
PJ_VEC I look_up_bytes(const std::uint8_t* table, I indexes) {
  const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(table));
  return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(levels), indexes.v)};
}
PJ_VEC __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
PJ_VEC I multiply_halves(I a, I b) { return {_mm256_mullo_epi16(a.v, b.v)}; }
PJ_VEC F load_first(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
PJ_VEC void store_first(float* p, F x, int n) { _mm256_maskstore_ps(p, first_lanes(n), x.v); }

// Words of kTokens records of 64 bytes, token by token: the first kKept, then kExtra from kFirst
// on.
template <int kKept, int kFirst, int kExtra, int kTokens>
PJ_VEC void interleave_record(const std::byte* const (&rows)[kTokens], std::int32_t* out) {
  for (int token = 0; token < kTokens; ++token) {
    for (int word = 0; word < kKept; ++word) {
      std::memcpy(out + word * kTokens + token, rows[token] + 4 * word, 4);
    }
    for (int word = 0; word < kExtra; ++word) {
      std::memcpy(out + (kKept + word) * kTokens + token, rows[token] + 4 * (kFirst + word), 4);
    }
  }
}
