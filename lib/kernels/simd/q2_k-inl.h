// SPDX-License-Identifier: Apache-2.0
// Q2_K: 16 groups of 16 weights, x ~ scale * code - offset, 4-bit scales and offsets.

PJ_VEC BlockScales<16> four_bit_scales(const float* values) {
  const F zero = all<F>(0.0F);
  const F max = largest_of<16>(values);
  const M positive = max > zero;
  const F inverse = all<F>(15.0F) / max;
  BlockScales<16> scales;
  for (int group = 0; group < 16; ++group) {
    const I code = nearest_int(inverse * load(values + group * kLanes)) & all<I>(0xff);
    scales.code[group] = select(positive, code, all<I>(0));
  }
  scales.unit_f16 = to_f16_bits(select(positive, max / all<F>(15.0F), zero));
  return scales;
}

struct Q2K {
  static constexpr DType kDType = DType::kQ2_K;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = 84;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = false;
  static constexpr int kMax = 3;
  static constexpr TrialList kTrials = affine_trials(-0.5F, 0.1F, 15, kMax);

  static unsigned encode(const Chunk& chunk, I* words) {
    using V = AffineVec;
    constexpr int kN = 16;
    AffineGroups<16> groups;
    for (int group = 0; group < 16; group += kPartsOf<V>) {
      V x[kN];
      V w[kN];
      load_groups<V, kN>(chunk.x, group, x);
      for (int i = 0; i < kN; ++i) w[i] = abs_of(x[i]);
      groups.keep(group, fit_affine<V, kN, kMax, true>(x, w, kTrials.values, kTrials.count));
    }
    write(chunk, groups, four_bit_scales(groups.scale), four_bit_scales(groups.minus_min), words);
    return groups.inexact;
  }

  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    AffineGroups<16> groups;
    fit_with_importance<AffineVec, 16, kMax>(chunk, 1.0F, groups);
    const BlockScales<16> scales =
        fitted_scales<16, 15>(groups.scale, groups.weight, groups.inexact);
    const BlockScales<16> offsets =
        fitted_scales<16, 15>(groups.minus_min, groups.weight, groups.inexact);
    write(chunk, groups, scales, offsets, words);
    return groups.inexact;
  }

  static void write(const Chunk& chunk, const AffineGroups<16>& groups,
                    const BlockScales<16>& scales, const BlockScales<16>& offsets, I* words) {
    const F unit = from_f16_bits(scales.unit_f16);
    const F offset_unit = from_f16_bits(offsets.unit_f16);
    I bytes[16];
    for (int group = 0; group < 16; ++group) {
      bytes[group] = (scales.code[group] | shift_left<4>(offsets.code[group])) & all<I>(0xff);
    }
    for (int w = 0; w < 4; ++w) {
      words[w] = pack_bytes(bytes[4 * w], bytes[4 * w + 1], bytes[4 * w + 2], bytes[4 * w + 3]);
    }
    for (int half = 0; half < 2; ++half) {
      I codes[128];
      for (int part = 0; part < 8; ++part) {
        const int group = 8 * half + part;
        stored_codes<16, kMax>(chunk.x, groups, group, unit * to_float(bytes[group] & all<I>(15)),
                               offset_unit * to_float(shift_right<4>(bytes[group])),
                               codes + 16 * part);
      }
      write_bit_pairs(codes, words + 4 + 8 * half);
    }
    words[20] = scales.unit_f16 | shift_left<16>(offsets.unit_f16);
  }
};
