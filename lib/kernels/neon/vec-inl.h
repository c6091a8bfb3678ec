// SPDX-License-Identifier: Apache-2.0
// Four lanes of NEON, as the algorithms in kernels/simd/ see them. The names are explained in
// kernels/avx512/vec-inl.h. Included inside a region and the instruction set's namespace.
//
// Where NEON's own conversions differ from x86-64's (out-of-range integers, min and max of NaN)
// the functions give x86-64's results, on which encoded bytes depend.

constexpr int kLanes = 4;

struct M {
  uint32x4_t v;  // all bits of a lane set or clear
};
struct I {
  int32x4_t v;
};
struct F {
  using Mask = M;
  using Int = I;
  float32x4_t v;
};

#define PJ_VEC [[gnu::always_inline]] inline

PJ_VEC F splat(F*, float x) { return {vdupq_n_f32(x)}; }
PJ_VEC I splat(I*, int x) { return {vdupq_n_s32(x)}; }
PJ_VEC F load(const float* p) { return {vld1q_f32(p)}; }
PJ_VEC I load_int(const std::int32_t* p) { return {vld1q_s32(p)}; }
PJ_VEC void store(float* p, F x) { vst1q_f32(p, x.v); }
PJ_VEC void store_int(std::int32_t* p, I x) { vst1q_s32(p, x.v); }

PJ_VEC int32x4_t as_signed(uint32x4_t v) { return vreinterpretq_s32_u32(v); }
PJ_VEC uint32x4_t as_unsigned(int32x4_t v) { return vreinterpretq_u32_s32(v); }

// kLanes 16-bit values, zero extended; and the low halves of the lanes.
PJ_VEC I load_halves(const void* p) {
  uint16x4_t halves;
  __builtin_memcpy(&halves, p, sizeof(halves));
  return {as_signed(vmovl_u16(halves))};
}
PJ_VEC void store_halves(void* p, I x) {
  const uint16x4_t halves = vmovn_u32(as_unsigned(x.v));
  __builtin_memcpy(p, &halves, sizeof(halves));
}
// kLanes bytes, zero or sign extended.
PJ_VEC I load_bytes(const void* p) {
  std::uint32_t word = 0;
  __builtin_memcpy(&word, p, sizeof(word));
  const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(word));
  return {as_signed(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))};
}
PJ_VEC I load_signed_bytes(const void* p) {
  std::uint32_t word = 0;
  __builtin_memcpy(&word, p, sizeof(word));
  const int8x8_t bytes = vreinterpret_s8_u32(vdup_n_u32(word));
  return {vmovl_s16(vget_low_s16(vmovl_s8(bytes)))};
}

PJ_VEC F operator+(F a, F b) { return {vaddq_f32(a.v, b.v)}; }
PJ_VEC F operator-(F a, F b) { return {vsubq_f32(a.v, b.v)}; }
PJ_VEC F operator*(F a, F b) { return {vmulq_f32(a.v, b.v)}; }
PJ_VEC F operator/(F a, F b) { return {vdivq_f32(a.v, b.v)}; }
PJ_VEC F min_of(F a, F b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
PJ_VEC F max_of(F a, F b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
PJ_VEC F abs_of(F a) { return {vabsq_f32(a.v)}; }
PJ_VEC F square_root(F a) { return {vsqrtq_f32(a.v)}; }
PJ_VEC F round_even(F a) { return {vrndnq_f32(a.v)}; }

// The value is computed here, not where the compiler finds it first used.
PJ_VEC void compute_now(F& a) { asm volatile("" : "+w"(a.v)); }

PJ_VEC M operator<(F a, F b) { return {vcltq_f32(a.v, b.v)}; }
PJ_VEC M operator>(F a, F b) { return {vcgtq_f32(a.v, b.v)}; }
PJ_VEC M operator==(F a, F b) { return {vceqq_f32(a.v, b.v)}; }
PJ_VEC M operator!=(F a, F b) { return {vmvnq_u32(vceqq_f32(a.v, b.v))}; }
PJ_VEC M operator&(M a, M b) { return {vandq_u32(a.v, b.v)}; }
PJ_VEC M operator|(M a, M b) { return {vorrq_u32(a.v, b.v)}; }
PJ_VEC M operator~(M a) { return {vmvnq_u32(a.v)}; }
PJ_VEC unsigned lane_bits(M a) {
  constexpr std::uint32_t kBits[4] = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(a.v, vld1q_u32(kBits)));
}
PJ_VEC bool any(M a) { return vmaxvq_u32(a.v) != 0; }
PJ_VEC M no_lanes(F*) { return {vdupq_n_u32(0)}; }

PJ_VEC F select(M mask, F yes, F no) { return {vbslq_f32(mask.v, yes.v, no.v)}; }
PJ_VEC I select(M mask, I yes, I no) { return {vbslq_s32(mask.v, yes.v, no.v)}; }

PJ_VEC I operator+(I a, I b) { return {vaddq_s32(a.v, b.v)}; }
PJ_VEC I operator-(I a, I b) { return {vsubq_s32(a.v, b.v)}; }
PJ_VEC I operator&(I a, I b) { return {vandq_s32(a.v, b.v)}; }
PJ_VEC I operator|(I a, I b) { return {vorrq_s32(a.v, b.v)}; }
PJ_VEC I operator*(I a, I b) { return {vmulq_s32(a.v, b.v)}; }
PJ_VEC M operator>(I a, I b) { return {vcgtq_s32(a.v, b.v)}; }
PJ_VEC M operator==(I a, I b) { return {vceqq_s32(a.v, b.v)}; }
PJ_VEC I min_of(I a, I b) { return {vminq_s32(a.v, b.v)}; }
PJ_VEC I max_of(I a, I b) { return {vmaxq_s32(a.v, b.v)}; }
PJ_VEC I min_of_unsigned(I a, I b) {
  return {vreinterpretq_s32_u32(vminq_u32(vreinterpretq_u32_s32(a.v), vreinterpretq_u32_s32(b.v)))};
}
template <int kBits>
PJ_VEC I shift_left(I a) {
  return {vshlq_n_s32(a.v, kBits)};
}
template <int kBits>
PJ_VEC I shift_right(I a) {  // logical
  if constexpr (kBits == 0) return a;
  return {as_signed(vshlq_u32(as_unsigned(a.v), vdupq_n_s32(-kBits)))};
}
template <int kBits>
PJ_VEC I shift_right_signed(I a) {
  return {vshrq_n_s32(a.v, kBits)};
}
PJ_VEC I shift_right_each(I a, I counts) {
  return {as_signed(vshlq_u32(as_unsigned(a.v), vnegq_s32(counts.v)))};
}

PJ_VEC F to_float(I a) { return {vcvtq_f32_s32(a.v)}; }
PJ_VEC I to_int(F a) {  // INT32_MIN where out of range
  const uint32x4_t inside = vcltq_f32(a.v, vdupq_n_f32(0x1p31F));
  return {vbslq_s32(inside, vcvtq_s32_f32(a.v), vdupq_n_s32(INT32_MIN))};
}
PJ_VEC I bits_of(F a) { return {vreinterpretq_s32_f32(a.v)}; }
PJ_VEC F from_bits(I a) { return {vreinterpretq_f32_s32(a.v)}; }

// F16 bits in the low half of each lane, and back.
PJ_VEC I to_f16_bits(F a) {
  return {as_signed(vmovl_u16(vreinterpret_u16_f16(vcvt_f16_f32(a.v))))};
}
PJ_VEC F from_f16_bits(I a) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(as_unsigned(a.v))))};
}

// table[index], for indexes 0 .. 15.
PJ_VEC uint8x16_t look_up_words(const void* table, int32x4_t index) {
  uint8x16x4_t words;
  __builtin_memcpy(&words, table, sizeof(words));
  // Byte b of word i stands at 4 i + b.
  const int32x4_t first_bytes = vmulq_s32(index, vdupq_n_s32(0x04040404));
  const int32x4_t bytes = vaddq_s32(first_bytes, vdupq_n_s32(0x03020100));
  return vqtbl4q_u8(words, vreinterpretq_u8_s32(bytes));
}
PJ_VEC F look_up(const float* table, I index) {
  return {vreinterpretq_f32_u8(look_up_words(table, index.v))};
}
PJ_VEC I look_up(const std::int32_t* table, I index) {
  return {vreinterpretq_s32_u8(look_up_words(table, index.v))};
}

// Swaps lanes and vectors: afterwards lane r of v[c] is what lane c of v[r] was.
PJ_VEC void transpose(float32x4_t (&v)[4]) {
  const auto pairs = [](float32x4_t x) { return vreinterpretq_f64_f32(x); };
  const auto floats = [](float64x2_t x) { return vreinterpretq_f32_f64(x); };
  const float64x2_t a = pairs(vtrn1q_f32(v[0], v[1]));
  const float64x2_t b = pairs(vtrn2q_f32(v[0], v[1]));
  const float64x2_t c = pairs(vtrn1q_f32(v[2], v[3]));
  const float64x2_t d = pairs(vtrn2q_f32(v[2], v[3]));
  v[0] = floats(vtrn1q_f64(a, c));
  v[1] = floats(vtrn1q_f64(b, d));
  v[2] = floats(vtrn2q_f64(a, c));
  v[3] = floats(vtrn2q_f64(b, d));
}

// to[e * kLanes + lane] = from[lane][e] for kLanes elements e.
PJ_VEC void transpose_in(const float* const* from, std::int64_t offset, float* to) {
  float32x4_t v[4];
  for (int lane = 0; lane < 4; ++lane) v[lane] = vld1q_f32(from[lane] + offset);
  transpose(v);
  for (int e = 0; e < 4; ++e) vst1q_f32(to + e * 4, v[e]);
}

// Words of kLanes blocks, word by word, to rows of words: to[lane * stride + w] = lane of words[w].
PJ_VEC void transpose_words(const I* words, std::int32_t* to, int stride) {
  float32x4_t v[4];
  for (int w = 0; w < 4; ++w) v[w] = vreinterpretq_f32_s32(words[w].v);
  transpose(v);
  for (int lane = 0; lane < 4; ++lane)
    vst1q_s32(to + lane * stride, vreinterpretq_s32_f32(v[lane]));
}
