// SPDX-License-Identifier: Apache-2.0
// IQ4_NL and IQ4_XS: 4-bit codes that name one of 16 unevenly spaced levels.

// Looks up the level nearest to a value. The values are cut into 16 bins of width 16 from -128 on;
// a bin holds at most two of the points halfway between levels, and a value on such a point takes
// the upper level. The halfway points are exact floats, so comparing with them is the same as
// comparing the distances, as the scalar codec does.
struct LevelBins {
  float levels[16];
  float first[16];  // halfway points in the bin; beyond all values when there is none
  float second[16];
  std::int32_t below[16];  // halfway points in lower bins
};
constexpr LevelBins make_level_bins() {
  constexpr int kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                               1,    13,   25,  38,  53,  69,  89,  113};
  LevelBins bins{};
  for (int i = 0; i < 16; ++i) bins.levels[i] = static_cast<float>(kLevels[i]);
  int passed = 0;
  for (int bin = 0; bin < 16; ++bin) {
    const float end = static_cast<float>(16 * bin - 112);
    bins.below[bin] = passed;
    bins.first[bin] = 1e30F;
    bins.second[bin] = 1e30F;
    for (float* point : {&bins.first[bin], &bins.second[bin]}) {
      if (passed == 15) break;
      const float halfway = (bins.levels[passed] + bins.levels[passed + 1]) * 0.5F;
      if (halfway >= end) break;
      *point = halfway;
      ++passed;
    }
  }
  return bins;
}
constexpr LevelBins kLevelBins = make_level_bins();

// NaN takes the last code.
PJ_VEC I nearest_level_code(F value) {
  const F inside = max_of(min_of(value, all<F>(127.0F)), all<F>(-128.0F));
  const I bin = to_int((inside + all<F>(128.0F)) * all<F>(0.0625F));
  const I one = all<I>(1);
  const I none = all<I>(0);
  return look_up(kLevelBins.below, bin) +
         select(inside < look_up(kLevelBins.first, bin), none, one) +
         select(inside < look_up(kLevelBins.second, bin), none, one);
}
template <typename T>
PJ_VEC auto nearest_level_code(Pair<T> value) {
  return pair_of(nearest_level_code(value.a), nearest_level_code(value.b));
}
PJ_VEC F level_of(I code) { return look_up(kLevelBins.levels, code); }
template <typename T>
PJ_VEC auto level_of(Pair<T> code) {
  return pair_of(level_of(code.a), level_of(code.b));
}

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

struct IQ4_NL {
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

struct IQ4_XS {
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
