// SPDX-License-Identifier: Apache-2.0
// Q4_K and Q5_K: 8 groups of 32 weights, x ~ scale * code - offset, 6-bit scales and offsets.

constexpr int kSixBitMax = 63;

PJ_VEC BlockScales<8> six_bit_scales(const float* values) {
  const F zero = all<F>(0.0F);
  const F max = largest_of<8>(values);
  const F inverse = select(max > zero, all<F>(63.0F) / max, zero);
  BlockScales<8> scales;
  for (int group = 0; group < 8; ++group) {
    const I code = nearest_int(inverse * load(values + group * kLanes)) & all<I>(0xff);
    scales.code[group] = min_of(code, all<I>(kSixBitMax));
  }
  scales.unit_f16 = to_f16_bits(max / all<F>(63.0F));
  return scales;
}

// 12 bytes: four scales and four offsets in 6 bits, with the high bits of the other four above
// them, then the low nibbles of those.
PJ_VEC void pack_six_bit_scales(const BlockScales<8>& scales, const BlockScales<8>& offsets,
                                I* words) {
  I bytes[12];
  for (int group = 0; group < 4; ++group) {
    const I scale = scales.code[group + 4];
    const I offset = offsets.code[group + 4];
    bytes[group] = scales.code[group] | shift_left<6>(shift_right<4>(scale));
    bytes[group + 4] = offsets.code[group] | shift_left<6>(shift_right<4>(offset));
    bytes[group + 8] = (scale & all<I>(15)) | shift_left<4>(offset & all<I>(15));
  }
  for (int w = 0; w < 3; ++w) {
    words[w] = pack_bytes(bytes[4 * w], bytes[4 * w + 1], bytes[4 * w + 2], bytes[4 * w + 3]);
  }
}

// kMax: 15 (Q4_K) or 31 (Q5_K).
template <int kMax>
struct SixBitScaled {
  static constexpr bool kFifthBit = kMax > 15;
  static constexpr DType kDType = kFifthBit ? DType::kQ5_K : DType::kQ4_K;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = kFifthBit ? 176 : 144;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = false;
  static constexpr TrialList kTrials =
      kFifthBit ? affine_trials(-0.5F, 0.1F, 15, kMax) : affine_trials(-1.0F, 0.1F, 20, kMax);

  static unsigned encode(const Chunk& chunk, I* words) {
    using V = AffineVec;
    constexpr int kN = 32;
    AffineGroups<8> groups;
    for (int group = 0; group < 8; group += kPartsOf<V>) {
      V x[kN];
      V w[kN];
      load_groups<V, kN>(chunk.x, group, x);
      V sum = all<V>(0.0F);
      for (int i = 0; i < kN; ++i) sum = sum + x[i] * x[i];
      const V typical = square_root(sum / all<V>(32.0F));
      for (int i = 0; i < kN; ++i) w[i] = typical + abs_of(x[i]);
      groups.keep(group, fit_affine<V, kN, kMax, false>(x, w, kTrials.values, kTrials.count));
    }
    write(chunk, groups, six_bit_scales(groups.scale), six_bit_scales(groups.minus_min), words);
    return groups.inexact;
  }

  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    AffineGroups<8> groups;
    fit_with_importance<AffineVec, 32, kMax>(chunk, 2.0F, groups);
    const BlockScales<8> scales =
        fitted_scales<8, kSixBitMax>(groups.scale, groups.weight, groups.inexact);
    const BlockScales<8> offsets =
        fitted_scales<8, kSixBitMax>(groups.minus_min, groups.weight, groups.inexact);
    write(chunk, groups, scales, offsets, words);
    return groups.inexact;
  }

  static void write(const Chunk& chunk, const AffineGroups<8>& groups, const BlockScales<8>& scales,
                    const BlockScales<8>& offsets, I* words) {
    const F unit = from_f16_bits(scales.unit_f16);
    const F offset_unit = from_f16_bits(offsets.unit_f16);
    words[0] = scales.unit_f16 | shift_left<16>(offsets.unit_f16);
    pack_six_bit_scales(scales, offsets, words + 1);
    I* const high_words = words + 4;  // Q5_K only: bit g of byte l is the fifth bit of group g
    I* const low_words = words + (kFifthBit ? 12 : 4);
    for (int pair = 0; pair < 4; ++pair) {
      I codes[64];
      for (int group = 2 * pair; group < 2 * pair + 2; ++group) {
        stored_codes<32, kMax>(chunk.x, groups, group, unit * to_float(scales.code[group]),
                               offset_unit * to_float(offsets.code[group]),
                               codes + 32 * (group % 2));
      }
      for (int w = 0; w < 8; ++w) {
        const I* const c = codes + 4 * w;
        const I first = pack_bytes(c[0], c[1], c[2], c[3]);
        const I second = pack_bytes(c[32], c[33], c[34], c[35]);
        const I nibbles = all<I>(0x0f0f0f0f);
        low_words[8 * pair + w] = (first & nibbles) | shift_left<4>(second & nibbles);
        if constexpr (kFifthBit) {
          const I bits = all<I>(0x01010101);
          const I fifth =
              (shift_right<4>(first) & bits) | shift_left<1>(shift_right<4>(second) & bits);
          // Each pair enters at the top two bits of a byte and moves down as later ones come.
          const I above = shift_left<6>(fifth);
          high_words[w] = pair == 0 ? above : shift_right<2>(high_words[w]) | above;
        }
      }
    }
  }
};

using Q4K = SixBitScaled<15>;
using Q5K = SixBitScaled<31>;
