// SPDX-License-Identifier: Apache-2.0
// Products of bytes with VPDPBUSD: any unsigned codes times signed activations.

template <bool kAffine>
struct Codes {
  I bytes;
};

template <bool kAffine>
PJ_VEC Codes<kAffine> codes_of(I bytes) {
  return {bytes};
}

// sum + codes . x, 4 columns a lane.
template <bool kAffine>
PJ_VEC I add_dot(I sum, Codes<kAffine> codes, const std::int32_t* x) {
  return {_mm512_dpbusd_epi32(sum.v, codes.bytes.v, _mm512_set1_epi32(*x))};
}

// Codes of types without an offset are stored plus 128, which their start takes back.
constexpr bool kStartsBiased = true;
