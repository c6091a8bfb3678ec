// SPDX-License-Identifier: Apache-2.0
// Q6_K: 16 groups of 16 weights, x ~ scale * (code - 32), signed 8-bit scales.

struct Q6K {
  static constexpr DType kDType = DType::kQ6_K;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = 210;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = false;
  static constexpr int kNmax = 32;

  static unsigned encode(const Chunk& chunk, I* words) {
    using V = SymmetricVec;
    constexpr int kN = SymmetricGroups::kN;
    SymmetricGroups groups;
    for (int group = 0; group < SymmetricGroups::kGroups; group += kPartsOf<V>) {
      V x[kN];
      V w[kN];
      load_groups<V, kN>(chunk.x, group, x);
      for (int i = 0; i < kN; ++i) w[i] = x[i] * x[i];
      fit_symmetric_groups<V, kNmax>(x, w, group, groups);
    }
    write(chunk, groups, words);
    return 0;
  }

  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    using V = SymmetricVec;
    constexpr int kN = SymmetricGroups::kN;
    SymmetricGroups groups;
    for (int group = 0; group < SymmetricGroups::kGroups; group += kPartsOf<V>) {
      V x[kN];
      V w[kN];
      load_groups<V, kN>(chunk.x, group, x);
      load_groups<V, kN>(chunk.importance, group, w);
      fit_symmetric_groups<V, kNmax>(x, w, group, groups);
    }
    write(chunk, groups, words);
    return 0;
  }

  static void write(const Chunk& chunk, const SymmetricGroups& groups, I* words) {
    const F peak = peak_scale(groups.scale);
    const F inverse = all<F>(-128.0F) / peak;
    const I unit_f16 = to_f16_bits(all<F>(1.0F) / inverse);
    const F unit = from_f16_bits(unit_f16);
    I scales[16];
    for (int group = 0; group < 16; ++group) {
      const I code = nearest_int(inverse * load(groups.scale + group * kLanes));
      scales[group] = sign_extend_byte(min_of(code, all<I>(127)));
    }
    for (int half = 0; half < 2; ++half) {
      I codes[128];
      for (int part = 0; part < 8; ++part) {
        const int group = half * 8 + part;
        stored_codes<kNmax>(chunk.x, groups, group, unit * to_float(scales[group]),
                            codes + part * 16);
      }
      write_half(codes, words + half * 16, words + 32 + half * 8);
    }
    for (int w = 0; w < 4; ++w) {
      I bytes[4];
      for (int b = 0; b < 4; ++b) bytes[b] = scales[4 * w + b] & all<I>(0xff);
      words[48 + w] = pack_bytes(bytes[0], bytes[1], bytes[2], bytes[3]);
    }
    words[52] = unit_f16;
    const M empty = abs_of(peak) < all<F>(kGroupMaxEps);
    if (any(empty)) {  // stored as zero bytes
      for (int w = 0; w < 53; ++w) words[w] = select(empty, all<I>(0), words[w]);
    }
  }

  // 128 codes: 64 bytes of low nibbles, 32 bytes of high bit pairs.
  PJ_VEC static void write_half(const I* codes, I* low_words, I* high_words) {
    const I nibbles = all<I>(0x0f0f0f0f);
    const I pairs = all<I>(0x03030303);
    for (int w = 0; w < 8; ++w) {
      I parts[4];  // elements l, l + 32, l + 64, l + 96
      for (int part = 0; part < 4; ++part) {
        const I* const c = codes + 32 * part + 4 * w;
        parts[part] = pack_bytes(c[0], c[1], c[2], c[3]);
      }
      low_words[w] = (parts[0] & nibbles) | shift_left<4>(parts[2] & nibbles);
      low_words[8 + w] = (parts[1] & nibbles) | shift_left<4>(parts[3] & nibbles);
      high_words[w] = (shift_right<4>(parts[0]) & pairs) |
                      shift_left<2>(shift_right<4>(parts[1]) & pairs) |
                      shift_left<4>(shift_right<4>(parts[2]) & pairs) |
                      shift_left<6>(shift_right<4>(parts[3]) & pairs);
    }
  }
};
