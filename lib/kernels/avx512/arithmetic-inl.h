// SPDX-License-Identifier: Apache-2.0
// What the forward pass needs of AVX-512 beyond vec-inl.h, which this follows. Unlike encoders, it
// may contract to FMA. Same names in every instruction set's folder.

PJ_VEC F fma(F a, F b, F c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
PJ_VEC F everywhere(const float* p) { return {_mm512_set1_ps(*p)}; }
PJ_VEC I everywhere(const std::int32_t* p) { return {_mm512_set1_epi32(*p)}; }
PJ_VEC F load_f16(const void* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i_u*>(p)))};
}
// x * 2^n for whole n; overflows to infinity, underflows to 0.
PJ_VEC F times_power_of_two(F x, F n) { return {_mm512_scalef_ps(x.v, n.v)}; }

PJ_VEC float first_lane(F x) { return _mm512_cvtss_f32(x.v); }
PJ_VEC float sum_of_lanes(F x) { return _mm512_reduce_add_ps(x.v); }
PJ_VEC float largest_lane(F x) { return _mm512_reduce_max_ps(x.v); }

PJ_VEC I lane_numbers() {
  return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)};
}

// Unsigned and signed bytes 0 and 2 (even) or 1 and 3 (odd) of each lane, as 16-bit halves.
PJ_VEC I even_bytes(I x) { return {_mm512_and_si512(x.v, _mm512_set1_epi32(0x00ff00ff))}; }
PJ_VEC I odd_bytes(I x) { return {_mm512_srli_epi16(x.v, 8)}; }
PJ_VEC I even_signed_bytes(I x) { return {_mm512_srai_epi16(_mm512_slli_epi16(x.v, 8), 8)}; }
PJ_VEC I odd_signed_bytes(I x) { return {_mm512_srai_epi16(x.v, 8)}; }

// Of each four lanes x0 .. x3: halves (x0, x2) in lane 0, (x1, x3) in lane 1, anything in the rest.
PJ_VEC I pair_up(I x) {
  const __m512i upper = _mm512_slli_epi32(_mm512_shuffle_epi32(x.v, _MM_PERM_DCDC), 16);
  return {_mm512_mask_blend_epi16(0xaaaaaaaa, x.v, upper)};
}
