// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of AVX-512, as the algorithms in kernels/simd/ see them.
//
// Included inside a target region and the namespace of the instruction set. Same names in every
// instruction set's folder: F (floats), I (32-bit integers), M (lane mask) and the functions below.
// Comparisons with NaN are false (ne: true), min and max give the second operand when one is NaN.

constexpr int kLanes = 16;

struct M {
  __mmask16 v;
};
struct I {
  __m512i v;
};
struct F {
  using Mask = M;
  using Int = I;
  __m512 v;
};

#define PJ_VEC [[gnu::always_inline]] inline

PJ_VEC F splat(F*, float x) { return {_mm512_set1_ps(x)}; }
PJ_VEC I splat(I*, int x) { return {_mm512_set1_epi32(x)}; }
PJ_VEC F load(const float* p) { return {_mm512_loadu_ps(p)}; }
PJ_VEC I load_int(const void* p) { return {_mm512_loadu_si512(p)}; }
PJ_VEC void store(float* p, F x) { _mm512_storeu_ps(p, x.v); }
PJ_VEC void store_int(void* p, I x) { _mm512_storeu_si512(p, x.v); }

// kLanes 16-bit values, zero extended; and the low halves of the lanes.
PJ_VEC I load_halves(const void* p) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i_u*>(p)))};
}
// kLanes bytes, zero or sign extended.
PJ_VEC I load_bytes(const void* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i_u*>(p)))};
}
PJ_VEC I load_signed_bytes(const void* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i_u*>(p)))};
}
PJ_VEC void store_halves(void* p, I x) {
  _mm256_storeu_si256(static_cast<__m256i_u*>(p), _mm512_cvtepi32_epi16(x.v));
}

PJ_VEC F operator+(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
PJ_VEC F operator-(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
PJ_VEC F operator*(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
PJ_VEC F operator/(F a, F b) { return {_mm512_div_ps(a.v, b.v)}; }
PJ_VEC F min_of(F a, F b) { return {_mm512_min_ps(a.v, b.v)}; }
PJ_VEC F max_of(F a, F b) { return {_mm512_max_ps(a.v, b.v)}; }
PJ_VEC F abs_of(F a) { return {_mm512_abs_ps(a.v)}; }
PJ_VEC F square_root(F a) { return {_mm512_sqrt_ps(a.v)}; }
PJ_VEC F round_even(F a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

// The value is computed here, not where the compiler finds it first used.
PJ_VEC void compute_now(F& a) { asm volatile("" : "+v"(a.v)); }

PJ_VEC M operator<(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
PJ_VEC M operator>(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
PJ_VEC M operator==(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
PJ_VEC M operator!=(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
PJ_VEC M operator&(M a, M b) { return {static_cast<__mmask16>(a.v & b.v)}; }
PJ_VEC M operator|(M a, M b) { return {static_cast<__mmask16>(a.v | b.v)}; }
PJ_VEC M operator~(M a) { return {static_cast<__mmask16>(~a.v)}; }
PJ_VEC bool any(M a) { return a.v != 0; }
PJ_VEC M no_lanes(F*) { return {0}; }
PJ_VEC unsigned lane_bits(M a) { return a.v; }

// mask ? yes : no, lane by lane.
PJ_VEC F select(M mask, F yes, F no) { return {_mm512_mask_blend_ps(mask.v, no.v, yes.v)}; }
PJ_VEC I select(M mask, I yes, I no) { return {_mm512_mask_blend_epi32(mask.v, no.v, yes.v)}; }

PJ_VEC I operator+(I a, I b) { return {_mm512_add_epi32(a.v, b.v)}; }
PJ_VEC I operator-(I a, I b) { return {_mm512_sub_epi32(a.v, b.v)}; }
PJ_VEC I operator&(I a, I b) { return {_mm512_and_si512(a.v, b.v)}; }
PJ_VEC I operator|(I a, I b) { return {_mm512_or_si512(a.v, b.v)}; }
PJ_VEC I operator*(I a, I b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
PJ_VEC M operator>(I a, I b) { return {_mm512_cmpgt_epi32_mask(a.v, b.v)}; }
PJ_VEC M operator==(I a, I b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
PJ_VEC I min_of(I a, I b) { return {_mm512_min_epi32(a.v, b.v)}; }
PJ_VEC I max_of(I a, I b) { return {_mm512_max_epi32(a.v, b.v)}; }
PJ_VEC I min_of_unsigned(I a, I b) { return {_mm512_min_epu32(a.v, b.v)}; }
template <int kBits>
PJ_VEC I shift_left(I a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
PJ_VEC I shift_right(I a) {  // logical
  return {_mm512_srli_epi32(a.v, kBits)};
}
template <int kBits>
PJ_VEC I shift_right_signed(I a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}

PJ_VEC I shift_right_each(I a, I counts) { return {_mm512_srlv_epi32(a.v, counts.v)}; }

PJ_VEC F to_float(I a) { return {_mm512_cvtepi32_ps(a.v)}; }
PJ_VEC I to_int(F a) { return {_mm512_cvttps_epi32(a.v)}; }  // INT32_MIN where out of range
PJ_VEC I bits_of(F a) { return {_mm512_castps_si512(a.v)}; }
PJ_VEC F from_bits(I a) { return {_mm512_castsi512_ps(a.v)}; }

// F16 bits in the low half of each lane, and back.
PJ_VEC I to_f16_bits(F a) {
  return {
      _mm512_cvtepu16_epi32(_mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))};
}
PJ_VEC F from_f16_bits(I a) { return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(a.v))}; }

// table[index], for indexes 0 .. 15.
PJ_VEC F look_up(const float* table, I index) {
  return {_mm512_permutexvar_ps(index.v, _mm512_loadu_ps(table))};
}
PJ_VEC I look_up(const std::int32_t* table, I index) {
  return {_mm512_permutexvar_epi32(index.v, _mm512_loadu_si512(table))};
}

// Swaps lanes and vectors: afterwards lane r of v[c] is what lane c of v[r] was.
PJ_VEC void transpose(__m512 (&v)[16]) {
  __m512 t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {  // pairs, then quads, inside each 128-bit part
    const __m512 a = _mm512_unpacklo_ps(v[i], v[i + 1]);
    const __m512 b = _mm512_unpackhi_ps(v[i], v[i + 1]);
    const __m512 c = _mm512_unpacklo_ps(v[i + 2], v[i + 3]);
    const __m512 d = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) {  // then the 128-bit parts
    const __m512 a = _mm512_shuffle_f32x4(t[i], t[4 + i], 0x88);
    const __m512 b = _mm512_shuffle_f32x4(t[i], t[4 + i], 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0x88);
    const __m512 d = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0xdd);
    v[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    v[4 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
    v[8 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
    v[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

// to[e * kLanes + lane] = from[lane][e] for kLanes elements e.
PJ_VEC void transpose_in(const float* const* from, std::int64_t offset, float* to) {
  __m512 v[16];
#pragma GCC unroll 16
  for (int lane = 0; lane < 16; ++lane) v[lane] = _mm512_loadu_ps(from[lane] + offset);
  transpose(v);
#pragma GCC unroll 16
  for (int e = 0; e < 16; ++e) _mm512_storeu_ps(to + e * 16, v[e]);
}

// Words of kLanes blocks, word by word, to rows of words: to[lane * stride + w] = lane of words[w].
PJ_VEC void transpose_words(const I* words, std::int32_t* to, int stride) {
  __m512 v[16];
#pragma GCC unroll 16
  for (int w = 0; w < 16; ++w) v[w] = _mm512_castsi512_ps(words[w].v);
  transpose(v);
#pragma GCC unroll 16
  for (int lane = 0; lane < 16; ++lane) {
    _mm512_storeu_si512(to + lane * stride, _mm512_castps_si512(v[lane]));
  }
}
