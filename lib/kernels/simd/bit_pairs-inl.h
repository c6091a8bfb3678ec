// SPDX-License-Identifier: Apache-2.0
// The layout of 2-bit codes that Q2_K, Q3_K and TQ2_0 share.

// Bit pairs of 128 codes: byte l holds elements l, l + 32, l + 64 and l + 96.
PJ_VEC void write_bit_pairs(const I* codes, I* words) {
  for (int w = 0; w < 8; ++w) {
    I parts[4];
    for (int part = 0; part < 4; ++part) {
      const I* const c = codes + 32 * part + 4 * w;
      parts[part] = pack_bytes(c[0], c[1], c[2], c[3]) & all<I>(0x03030303);
    }
    words[w] =
        parts[0] | shift_left<2>(parts[1]) | shift_left<4>(parts[2]) | shift_left<6>(parts[3]);
  }
}
