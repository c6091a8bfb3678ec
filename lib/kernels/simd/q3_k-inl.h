// SPDX-License-Identifier: Apache-2.0
// Q3_K: 16 groups of 16 weights, x ~ scale * (code - 4), signed 6-bit scales.

struct Q3K {
  static constexpr DType kDType = DType::kQ3_K;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = 110;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = false;
  static constexpr int kNmax = 4;
  static constexpr int kN = SymmetricGroups::kN;

  static unsigned encode(const Chunk& chunk, I* words) {
    using V = RefineVec;
    SymmetricGroups groups;
    for (int group = 0; group < SymmetricGroups::kGroups; group += kPartsOf<V>) {
      V x[kN];
      V levels[kN];
      load_groups<V, kN>(chunk.x, group, x);
      const V scale = refine_symmetric<V, kN, kNmax>(x, levels);
      store_parts(groups.scale + group * kLanes, kLanes, scale);
      for (int i = 0; i < kN; ++i) groups.keep(group, i, levels[i]);
    }
    const F zero = all<F>(0.0F);
    const F peak = peak_scale(groups.scale);
    const M nonzero = peak != zero;
    const F inverse = all<F>(-32.0F) / peak;
    I scales[16];
    for (int group = 0; group < 16; ++group) {
      const I code = sign_extend_byte(nearest_int(inverse * load(groups.scale + group * kLanes)));
      const I limited = min_of(max_of(code, all<I>(-32)), all<I>(31));
      scales[group] = select(nonzero, limited, all<I>(-32));
    }
    const F unit = select(nonzero, all<F>(1.0F) / inverse, zero);
    write(chunk, groups, scales, to_f16_bits(unit), words);
    return 0;
  }

  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    using V = SymmetricVec;
    SymmetricGroups groups;
    const F variance = all<F>(2.0F) * super_sum_of_squares(chunk.x) / all<F>(256.0F);
    for (int group = 0; group < SymmetricGroups::kGroups; group += kPartsOf<V>) {
      V x[kN];
      V w[kN];
      load_groups<V, kN>(chunk.x, group, x);
      const V sum =
          importance_weights<V, kN>(chunk.importance + group * kN * kLanes, variance, x, w);
      store_parts(groups.weight + group * kLanes, kLanes, sum);
      fit_symmetric_groups<V, kNmax>(x, w, group, groups);
    }
    F fitted[16];
    F weight[16];
    F weighted[16];
    for (int group = 0; group < 16; ++group) {
      fitted[group] = load(groups.scale + group * kLanes);
      weight[group] = load(groups.weight + group * kLanes);
      weighted[group] = weight[group] * fitted[group];
    }
    const SymmetricFit<F> fit = fit_symmetric<F, 16, 32>(fitted, weight, weighted);
    I scales[16];
    for (int group = 0; group < 16; ++group) {
      const F level = nearest_clamped(fitted[group] * fit.code_inverse, -32, 31);
      scales[group] = select(fit.nonzero, to_int(level), all<I>(-32));
    }
    write(chunk, groups, scales, to_f16_bits(fit.scale), words);
    return 0;
  }

  // scales: -32 .. 31.
  static void write(const Chunk& chunk, const SymmetricGroups& groups, const I* scales, I unit_f16,
                    I* words) {
    const F unit = from_f16_bits(unit_f16);
    I* const high_words = words;  // bit e / 32 of byte e % 32: the third bit of code e
    for (int half = 0; half < 2; ++half) {
      I codes[128];
      for (int part = 0; part < 8; ++part) {
        const int group = half * 8 + part;
        stored_codes<kNmax>(chunk.x, groups, group, unit * to_float(scales[group]),
                            codes + part * 16);
      }
      write_bit_pairs(codes, words + 8 + 8 * half);
      for (int w = 0; w < 8; ++w) {
        I parts[4];
        for (int part = 0; part < 4; ++part) {
          const I* const c = codes + 32 * part + 4 * w;
          parts[part] = shift_right<2>(pack_bytes(c[0], c[1], c[2], c[3])) & all<I>(0x01010101);
        }
        const I bits =
            parts[0] | shift_left<1>(parts[1]) | shift_left<2>(parts[2]) | shift_left<3>(parts[3]);
        high_words[w] = half == 0 ? bits : high_words[w] | shift_left<4>(bits);
      }
    }
    I stored[16];
    for (int group = 0; group < 16; ++group) stored[group] = scales[group] + all<I>(32);
    const I nibble = all<I>(15);
    I low[8];
    I high[4];
    for (int b = 0; b < 8; ++b) {
      low[b] = (stored[b] & nibble) | shift_left<4>(stored[b + 8] & nibble);
    }
    for (int b = 0; b < 4; ++b) {
      high[b] = shift_right<4>(stored[b]) | shift_left<2>(shift_right<4>(stored[b + 4])) |
                shift_left<4>(shift_right<4>(stored[b + 8])) |
                shift_left<6>(shift_right<4>(stored[b + 12]));
    }
    words[24] = pack_bytes(low[0], low[1], low[2], low[3]);
    words[25] = pack_bytes(low[4], low[5], low[6], low[7]);
    words[26] = pack_bytes(high[0], high[1], high[2], high[3]);
    words[27] = unit_f16;
  }
};
