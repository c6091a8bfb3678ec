// SPDX-License-Identifier: Apache-2.0
// The groups of a super block as x ~ scale * code - offset: Q2_K, Q4_K and Q5_K.

template <int kGroups>
struct AffineGroups {
  float scale[kGroups * kLanes];
  float minus_min[kGroups * kLanes];
  float code_inverse[kGroups * kLanes];  // see AffineFit
  float code_min[kGroups * kLanes];
  float weight[kGroups * kLanes];  // sum of the weights; with importance only
  unsigned inexact = 0;            // lanes the scalar codec must encode

  template <typename V>
  PJ_VEC void keep(int group, const AffineFit<V>& fit) {
    const int at = group * kLanes;
    store_parts(scale + at, kLanes, fit.scale);
    store_parts(minus_min + at, kLanes, all<V>(0.0F) - fit.min);
    store_parts(code_inverse + at, kLanes, fit.code_inverse);
    store_parts(code_min + at, kLanes, fit.code_min);
    inexact |= any_lane_bits(fit.unsafe);
  }
};

// The codes of groups' scales (or offsets) and the F16 bits of their unit.
template <int kGroups>
struct BlockScales {
  I code[kGroups];
  I unit_f16;
};

template <int kGroups>
PJ_VEC F largest_of(const float* values) {
  F max = all<F>(0.0F);
  for (int group = 0; group < kGroups; ++group) max = max_of(load(values + group * kLanes), max);
  return max;
}

// By the fit that weighs the groups; lanes it cannot be exact for are added to `inexact`.
template <int kGroups, int kMax>
PJ_VEC BlockScales<kGroups> fitted_scales(const float* values, const float* weights,
                                          unsigned& inexact) {
  F x[kGroups];
  F w[kGroups];
  for (int group = 0; group < kGroups; ++group) {
    x[group] = load(values + group * kLanes);
    w[group] = load(weights + group * kLanes);
  }
  const PositiveFit<kGroups> fit = fit_positive<kGroups, kMax>(x, w);
  inexact |= lane_bits(fit.unsafe);
  BlockScales<kGroups> scales;
  for (int group = 0; group < kGroups; ++group) scales.code[group] = fit.codes[group];
  scales.unit_f16 = to_f16_bits(fit.unit);
  return scales;
}

// The weighted searches of all groups.
template <typename V, int kN, int kMax>
PJ_VEC void fit_with_importance(const Chunk& chunk, float variance_factor,
                                AffineGroups<kSuperElems / kN>& groups) {
  static constexpr TrialList kTrials = affine_trials(-0.9F, 0.05F, 36, kMax);
  const F variance = all<F>(variance_factor) * super_sum_of_squares(chunk.x) / all<F>(256.0F);
  for (int group = 0; group < kSuperElems / kN; group += kPartsOf<V>) {
    V x[kN];
    V w[kN];
    load_groups<V, kN>(chunk.x, group, x);
    const V sum = importance_weights<V, kN>(chunk.importance + group * kN * kLanes, variance, x, w);
    store_parts(groups.weight + group * kLanes, kLanes, sum);
    groups.keep(group, fit_affine<V, kN, kMax, false>(x, w, kTrials.values, kTrials.count));
  }
}

// Codes of one group with the scale and offset as they are stored.
template <int kN, int kMax, int kGroups>
PJ_VEC void stored_codes(const float* chunk_x, const AffineGroups<kGroups>& groups, int group,
                         F scale, F offset, I* codes) {
  const float* const x = chunk_x + group * kN * kLanes;
  const I low = all<I>(0);
  const I high = all<I>(kMax);
  for (int i = 0; i < kN; ++i) {
    const F level = (load(x + i * kLanes) + offset) / scale;
    codes[i] = min_of(max_of(nearest_int(level), low), high);
  }
  const M unscaled = scale == all<F>(0.0F);
  if (!any(unscaled)) return;
  const F inverse = load(groups.code_inverse + group * kLanes);
  const F min = load(groups.code_min + group * kLanes);
  for (int i = 0; i < kN; ++i) {  // a zero scale leaves the codes of the search
    const I searched = nearest_int((load(x + i * kLanes) - min) * inverse);
    codes[i] = select(unscaled, min_of(max_of(searched, low), high), codes[i]);
  }
}
