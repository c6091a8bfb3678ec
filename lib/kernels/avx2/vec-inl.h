// SPDX-License-Identifier: Apache-2.0
// Eight lanes of AVX2, as the algorithms in kernels/simd/ see them. The names are explained in
// kernels/avx512/vec-inl.h. Included inside a target region and the instruction set's namespace.

constexpr int kLanes = 8;

struct M {
  __m256 v;  // all bits of a lane set or clear
};
struct I {
  __m256i v;
};
struct F {
  using Mask = M;
  using Int = I;
  __m256 v;
};

#define PJ_VEC [[gnu::always_inline]] inline

PJ_VEC F splat(F*, float x) { return {_mm256_set1_ps(x)}; }
PJ_VEC I splat(I*, int x) { return {_mm256_set1_epi32(x)}; }
PJ_VEC F load(const float* p) { return {_mm256_loadu_ps(p)}; }
PJ_VEC I load_int(const void* p) { return {_mm256_loadu_si256(static_cast<const __m256i_u*>(p))}; }
PJ_VEC void store(float* p, F x) { _mm256_storeu_ps(p, x.v); }
PJ_VEC void store_int(void* p, I x) { _mm256_storeu_si256(static_cast<__m256i_u*>(p), x.v); }

// kLanes 16-bit values, zero extended; and the low halves of the lanes.
PJ_VEC I load_halves(const void* p) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i_u*>(p)))};
}
// kLanes bytes, zero or sign extended.
PJ_VEC I load_bytes(const void* p) { return {_mm256_cvtepu8_epi32(_mm_loadu_si64(p))}; }
PJ_VEC I load_signed_bytes(const void* p) { return {_mm256_cvtepi8_epi32(_mm_loadu_si64(p))}; }
PJ_VEC __m128i low_halves(__m256i v) {
  const __m256i low = _mm256_and_si256(v, _mm256_set1_epi32(0xffff));
  const __m256i packed = _mm256_packus_epi32(low, low);  // per 128-bit part: 4 halves, twice
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}
PJ_VEC void store_halves(void* p, I x) {
  _mm_storeu_si128(static_cast<__m128i_u*>(p), low_halves(x.v));
}

PJ_VEC F operator+(F a, F b) { return {_mm256_add_ps(a.v, b.v)}; }
PJ_VEC F operator-(F a, F b) { return {_mm256_sub_ps(a.v, b.v)}; }
PJ_VEC F operator*(F a, F b) { return {_mm256_mul_ps(a.v, b.v)}; }
PJ_VEC F operator/(F a, F b) { return {_mm256_div_ps(a.v, b.v)}; }
PJ_VEC F min_of(F a, F b) { return {_mm256_min_ps(a.v, b.v)}; }
PJ_VEC F max_of(F a, F b) { return {_mm256_max_ps(a.v, b.v)}; }
PJ_VEC F abs_of(F a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
PJ_VEC F square_root(F a) { return {_mm256_sqrt_ps(a.v)}; }
PJ_VEC F round_even(F a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

// The value is computed here, not where the compiler finds it first used.
PJ_VEC void compute_now(F& a) { asm volatile("" : "+x"(a.v)); }

PJ_VEC M operator<(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
PJ_VEC M operator>(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
PJ_VEC M operator==(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
PJ_VEC M operator!=(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)}; }
PJ_VEC M operator&(M a, M b) { return {_mm256_and_ps(a.v, b.v)}; }
PJ_VEC M operator|(M a, M b) { return {_mm256_or_ps(a.v, b.v)}; }
PJ_VEC M operator~(M a) { return {_mm256_xor_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }
PJ_VEC unsigned lane_bits(M a) { return static_cast<unsigned>(_mm256_movemask_ps(a.v)); }
PJ_VEC bool any(M a) { return lane_bits(a) != 0; }
PJ_VEC M no_lanes(F*) { return {_mm256_setzero_ps()}; }

PJ_VEC F select(M mask, F yes, F no) { return {_mm256_blendv_ps(no.v, yes.v, mask.v)}; }
PJ_VEC I select(M mask, I yes, I no) {
  return {_mm256_blendv_epi8(no.v, yes.v, _mm256_castps_si256(mask.v))};
}

PJ_VEC I operator+(I a, I b) { return {_mm256_add_epi32(a.v, b.v)}; }
PJ_VEC I operator-(I a, I b) { return {_mm256_sub_epi32(a.v, b.v)}; }
PJ_VEC I operator&(I a, I b) { return {_mm256_and_si256(a.v, b.v)}; }
PJ_VEC I operator|(I a, I b) { return {_mm256_or_si256(a.v, b.v)}; }
PJ_VEC I operator*(I a, I b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
PJ_VEC M operator>(I a, I b) { return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))}; }
PJ_VEC M operator==(I a, I b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
PJ_VEC I min_of(I a, I b) { return {_mm256_min_epi32(a.v, b.v)}; }
PJ_VEC I max_of(I a, I b) { return {_mm256_max_epi32(a.v, b.v)}; }
PJ_VEC I min_of_unsigned(I a, I b) { return {_mm256_min_epu32(a.v, b.v)}; }
template <int kBits>
PJ_VEC I shift_left(I a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
template <int kBits>
PJ_VEC I shift_right(I a) {  // logical
  return {_mm256_srli_epi32(a.v, kBits)};
}
template <int kBits>
PJ_VEC I shift_right_signed(I a) {
  return {_mm256_srai_epi32(a.v, kBits)};
}

PJ_VEC I shift_right_each(I a, I counts) { return {_mm256_srlv_epi32(a.v, counts.v)}; }

PJ_VEC F to_float(I a) { return {_mm256_cvtepi32_ps(a.v)}; }
PJ_VEC I to_int(F a) { return {_mm256_cvttps_epi32(a.v)}; }  // INT32_MIN where out of range
PJ_VEC I bits_of(F a) { return {_mm256_castps_si256(a.v)}; }
PJ_VEC F from_bits(I a) { return {_mm256_castsi256_ps(a.v)}; }

// F16 bits in the low half of each lane, and back.
PJ_VEC I to_f16_bits(F a) {
  return {
      _mm256_cvtepu16_epi32(_mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))};
}
PJ_VEC F from_f16_bits(I a) { return {_mm256_cvtph_ps(low_halves(a.v))}; }

// table[index], for indexes 0 .. 15.
PJ_VEC F look_up(const float* table, I index) {
  const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index.v);
  const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index.v);
  const __m256 upper_half = _mm256_castsi256_ps(_mm256_slli_epi32(index.v, 28));
  return {_mm256_blendv_ps(low, high, upper_half)};
}
PJ_VEC I look_up(const std::int32_t* table, I index) {
  const __m256i low = _mm256_permutevar8x32_epi32(load_int(table).v, index.v);
  const __m256i high = _mm256_permutevar8x32_epi32(load_int(table + 8).v, index.v);
  const __m256i upper_half = _mm256_cmpgt_epi32(index.v, _mm256_set1_epi32(7));
  return {_mm256_blendv_epi8(low, high, upper_half)};
}

// Swaps lanes and vectors: afterwards lane r of v[c] is what lane c of v[r] was.
PJ_VEC void transpose(__m256 (&v)[8]) {
  __m256 t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 4) {  // pairs, then quads, inside each 128-bit part
    const __m256 a = _mm256_unpacklo_ps(v[i], v[i + 1]);
    const __m256 b = _mm256_unpackhi_ps(v[i], v[i + 1]);
    const __m256 c = _mm256_unpacklo_ps(v[i + 2], v[i + 3]);
    const __m256 d = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
    t[i] = _mm256_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x20);
    v[4 + i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x31);
  }
}

// to[e * kLanes + lane] = from[lane][e] for kLanes elements e.
PJ_VEC void transpose_in(const float* const* from, std::int64_t offset, float* to) {
  __m256 v[8];
#pragma GCC unroll 8
  for (int lane = 0; lane < 8; ++lane) v[lane] = _mm256_loadu_ps(from[lane] + offset);
  transpose(v);
#pragma GCC unroll 8
  for (int e = 0; e < 8; ++e) _mm256_storeu_ps(to + e * 8, v[e]);
}

// Words of kLanes blocks, word by word, to rows of words: to[lane * stride + w] = lane of words[w].
PJ_VEC void transpose_words(const I* words, std::int32_t* to, int stride) {
  __m256 v[8];
#pragma GCC unroll 8
  for (int w = 0; w < 8; ++w) v[w] = _mm256_castsi256_ps(words[w].v);
  transpose(v);
#pragma GCC unroll 8
  for (int lane = 0; lane < 8; ++lane) {
    store_int(to + lane * stride, I{_mm256_castps_si256(v[lane])});
  }
}
