// SPDX-License-Identifier: Apache-2.0
// The groups of a super block as x ~ scale * (code - nmax): Q3_K and Q6_K, 16 groups of 16.

struct SymmetricGroups {
  static constexpr int kGroups = 16;
  static constexpr int kN = 16;
  float scale[kGroups * kLanes];
  float weight[kGroups * kLanes];         // sum of the weights; Q3_K with importance only
  float searched[kGroups * kN * kLanes];  // the search's codes less nmax

  template <typename V>
  PJ_VEC void keep(int group, int elem, V level) {
    store_parts(searched + (group * kN + elem) * kLanes, kN * kLanes, level);
  }
};

// Fits the groups from `group` on with weights w.
template <typename V, int kNmax>
PJ_VEC void fit_symmetric_groups(const V* x, const V* w, int group, SymmetricGroups& groups) {
  constexpr int kN = SymmetricGroups::kN;
  const V low = all<V>(static_cast<float>(-kNmax));
  V wx[kN];
  for (int i = 0; i < kN; ++i) wx[i] = w[i] * x[i];
  const SymmetricFit<V> fit = fit_symmetric<V, kN, kNmax>(x, w, wx);
  store_parts(groups.scale + group * kLanes, kLanes, fit.scale);
  for (int i = 0; i < kN; ++i) {
    const V level = nearest_clamped_small<-kNmax, kNmax - 1>(x[i] * fit.code_inverse);
    groups.keep(group, i, select(fit.nonzero, level, low));
  }
}

// Codes, nmax added, of one group with the scale as it is stored.
template <int kNmax>
PJ_VEC void stored_codes(const float* chunk_x, const SymmetricGroups& groups, int group, F scale,
                         I* codes) {
  constexpr int kN = SymmetricGroups::kN;
  const M unscaled = scale == all<F>(0.0F);
  const bool some_unscaled = any(unscaled);
  for (int i = 0; i < kN; ++i) {
    const int at = (group * kN + i) * kLanes;
    F level = nearest_clamped(load(chunk_x + at) / scale, -kNmax, kNmax - 1);
    // A zero scale leaves the codes of the search.
    if (some_unscaled) level = select(unscaled, load(groups.searched + at), level);
    codes[i] = to_int(level) + all<I>(kNmax);
  }
}

// The signed scale of largest magnitude, over 16 groups.
PJ_VEC F peak_scale(const float* scales) {
  F values[16];
  for (int group = 0; group < 16; ++group) values[group] = load(scales + group * kLanes);
  return signed_peak<F, 16>(values);
}
