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
  // The broadcast belongs into the instruction; g++ 12 makes it one of its own.
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum.v) : "v"(codes.bytes.v), "m"(*x));
  return sum;
}

// sum + pairs . x, 2 16-bit numbers a lane.
PJ_VEC I add_pair_dot(I sum, I pairs, const std::int32_t* x) {
  asm("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(sum.v) : "v"(pairs.v), "m"(*x));
  return sum;
}

// Codes of types without an offset are stored plus 128, which their start takes back.
constexpr bool kStartsBiased = true;
