// SPDX-License-Identifier: Apache-2.0
// IQ4_NL and IQ4_XS: 4-bit codes that name one of 16 unevenly spaced levels.

// fit_iq4_scale() of codecs/iq4, one group per lane.
template <typename V, int kN>
PJ_VEC V fit_level_scale(const V* x, const V* w) {
  constexpr float kFirstLevel = -127.0F;
  const V zero = all<V>(0.0F);
  const V peak = signed_peak<V, kN>(x);
  const auto nonzero = ~(abs_of(peak) < all<V>(kGroupMaxEps));
  V scale = zero;
  V best = zero;
  for (int trial = -8; trial <= 7; ++trial) {
    const bool is_start = trial == -8;  // the plain scale; then 15 around it
    const V inverse = is_start ? all<V>(1.0F) / (peak / all<V>(-kFirstLevel))
                               : all<V>(static_cast<float>(trial) + kFirstLevel) / peak;
    V sum_qx = zero;
    V sum_q2 = zero;
    for (int i = 0; i < kN; ++i) {
      const V level = level_of(nearest_level_code(inverse * x[i]));
      const V weighted = w[i] * level;
      sum_qx = sum_qx + weighted * x[i];
      sum_q2 = sum_q2 + weighted * level;
    }
    const V fitted = sum_qx / sum_q2;
    auto accepted = sum_q2 > zero;
    if (!is_start) accepted = accepted & (sum_qx * sum_qx > best * sum_q2);
    scale = select(accepted, fitted, scale);
    best = is_start ? scale * sum_qx : select(accepted, scale * sum_qx, best);
  }
  return select(nonzero, scale, zero);
}

struct IQ4NL {
  static constexpr DType kDType = DType::kIQ4_NL;
  static constexpr int kElems = kSmallElems;
  static constexpr int kBlockBytes = 18;
  static constexpr int kLeadBytes = 2;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = false;

  static unsigned encode(const SmallChunk& chunk, I* words) {
    F x[kElems];
    F w[kElems];
    load_chunk(chunk, x);
    for (int i = 0; i < kElems; ++i) w[i] = x[i] * x[i];
    return write(x, w, words);
  }
  static unsigned encode_with_importance(const SmallChunk& chunk, I* words) {
    F x[kElems];
    F w[kElems];
    load_chunk(chunk, x);
    F sum = all<F>(0.0F);
    for (int i = 0; i < kElems; ++i) sum = sum + x[i] * x[i];
    importance_weights<F, kElems>(chunk.importance, sum * all<F>(2.0F / 32.0F), x, w);
    return write(x, w, words);
  }
  static unsigned write(const F* x, const F* w, I* words) {
    const F scale = fit_level_scale<F, kElems>(x, w);
    const F inverse = inverse_or_zero(scale);
    I codes[kElems];
    for (int i = 0; i < kElems; ++i) codes[i] = nearest_level_code(inverse * x[i]);
    pack_nibbles(codes, words);
    words[4] = to_f16_bits(scale);
    return 0;
  }
};

struct IQ4XS {
  static constexpr DType kDType = DType::kIQ4_XS;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = 136;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = false;
  static constexpr int kN = 32;
  static constexpr int kGroups = 8;

  static unsigned encode(const Chunk& chunk, I* words) { return encode_any(chunk, false, words); }
  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    return encode_any(chunk, true, words);
  }

  static unsigned encode_any(const Chunk& chunk, bool weighted, I* words) {
    using V = Pair<F>;
    float scales[kGroups * kLanes];
    const F variance = super_sum_of_squares(chunk.x) * all<F>(2.0F / 256.0F);
    for (int group = 0; group < kGroups; group += kPartsOf<V>) {
      V x[kN];
      V w[kN];
      load_groups<V, kN>(chunk.x, group, x);
      if (weighted) {
        importance_weights<V, kN>(chunk.importance + group * kN * kLanes, variance, x, w);
      } else {
        for (int i = 0; i < kN; ++i) w[i] = x[i] * x[i];
      }
      store_parts(scales + group * kLanes, kLanes, fit_level_scale<V, kN>(x, w));
    }
    write(chunk, scales, words);
    return 0;
  }

  // Codes are rounded with the unit before it becomes F16.
  static void write(const Chunk& chunk, const float* group_scales, I* words) {
    F scales[kGroups];
    for (int group = 0; group < kGroups; ++group)
      scales[group] = load(group_scales + group * kLanes);
    const F unit = signed_peak<F, kGroups>(scales) / all<F>(-32.0F);
    const F inverse = inverse_or_zero(unit);
    I low = all<I>(0);
    I high = all<I>(0);
    for (int group = kGroups - 1; group >= 0; --group) {
      const F level = nearest_clamped(inverse * scales[group], -32, 31);
      const I field = to_int(level) + all<I>(32);
      low = shift_left<4>(low) | (field & all<I>(15));
      high = shift_left<2>(high) | shift_right<4>(field);
      const F group_inverse = inverse_or_zero(unit * level);
      I codes[kN];
      for (int i = 0; i < kN; ++i) {
        codes[i] = nearest_level_code(group_inverse * load(chunk.x + (group * kN + i) * kLanes));
      }
      pack_nibbles(codes, words + 2 + 4 * group);
    }
    words[0] = to_f16_bits(unit) | shift_left<16>(high);
    words[1] = low;
  }
};
