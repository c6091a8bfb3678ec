// SPDX-License-Identifier: Apache-2.0
// codecs/scale_search.h's fit_symmetric(), refine_symmetric() and fit_positive(), one group per
// lane. Same sums in the same order. Lanes below the smallest magnitude get scale 0 and codes 0.

constexpr float kGroupMaxEps = 1e-15F;

template <typename V>
struct SymmetricFit {
  V scale;
  V code_inverse;            // the codes are round(x * code_inverse), clamped; + nmax when stored
  typename V::Mask nonzero;  // other lanes: all stored codes are 0
};

// The signed value of the first element with the largest magnitude.
template <typename V, int kN>
PJ_VEC V signed_peak(const V* x) {
  V largest = all<V>(0.0F);
  V peak = largest;
  for (int i = 0; i < kN; ++i) {
    const V magnitude = abs_of(x[i]);
    const auto larger = magnitude > largest;
    largest = select(larger, magnitude, largest);
    peak = select(larger, x[i], peak);
  }
  return peak;
}

// What the scales of the search divide by the peak: the plain one first, then 9 that make scales
// larger and 9 that make them smaller.
template <int kNmax>
constexpr std::array<float, 19> kSymmetricTrials = [] {
  std::array<float, 19> numerators{};
  for (int step = 0; step < 19; ++step) {
    const int trial = step == 0 ? 0 : (step <= 9 ? step - 10 : step - 9);
    numerators[static_cast<std::size_t>(step)] =
        trial == 0 ? static_cast<float>(-kNmax)
                   : -(static_cast<float>(kNmax) + 0.1F * static_cast<float>(trial));
  }
  return numerators;
}();

// Up to here |x * inverse| stays below nmax + 0.5, and no code falls below -nmax.
constexpr int kTrialsAboveLow = 14;

template <typename V>
struct SymmetricSearch {
  SymmetricFit<V> fit;
  V best;
  V next_inverse;
};

// One trial. wx[i] = w[i] * x[i]. |x * inverse| stays near nmax for lanes that count, so rounding
// is exact.
template <typename V, int kN, int kLow, int kHigh>
PJ_VEC void try_symmetric(const V* x, const V* w, const V* wx, V peak, float next_numerator,
                          bool is_first, SymmetricSearch<V>& search) {
  const V zero = all<V>(0.0F);
  const V inverse = search.next_inverse;
  // The next division is under way while this trial's sums are taken.
  search.next_inverse = all<V>(next_numerator) / peak;
  compute_now(search.next_inverse);
  V sum_xl = zero;
  V sum_l2 = zero;
#pragma GCC unroll 4
  for (int i = 0; i < kN; ++i) {
    const V l = nearest_clamped_small<kLow, kHigh>(inverse * x[i]);
    sum_xl = sum_xl + wx[i] * l;
    sum_l2 = sum_l2 + w[i] * l * l;
  }
  const V scale = sum_xl / sum_l2;
  if (is_first) {
    search.fit.scale = select(sum_l2 != zero, scale, zero);
    search.fit.code_inverse = inverse;
    search.best = search.fit.scale * sum_xl;
    return;
  }
  const auto accepted = (sum_l2 > zero) & (sum_xl * sum_xl > search.best * sum_l2);
  search.fit.scale = select(accepted, scale, search.fit.scale);
  search.fit.code_inverse = select(accepted, inverse, search.fit.code_inverse);
  search.best = select(accepted, scale * sum_xl, search.best);
}

template <typename V, int kN, int kNmax>
PJ_VEC SymmetricFit<V> fit_symmetric(const V* x, const V* w, const V* wx) {
  constexpr const auto& kTrials = kSymmetricTrials<kNmax>;
  const V zero = all<V>(0.0F);
  const V peak = signed_peak<V, kN>(x);
  const auto nonzero = ~(abs_of(peak) < all<V>(kGroupMaxEps));
  SymmetricSearch<V> search{{zero, zero, nonzero}, zero, all<V>(kTrials[0]) / peak};
  for (std::size_t step = 0; step < kTrialsAboveLow; ++step) {
    try_symmetric<V, kN, kNoLimit, kNmax - 1>(x, w, wx, peak, kTrials[step + 1], step == 0, search);
  }
  for (std::size_t step = kTrialsAboveLow; step < kTrials.size(); ++step) {
    const float next = kTrials[step + 1 < kTrials.size() ? step + 1 : step];
    try_symmetric<V, kN, -kNmax, kNmax - 1>(x, w, wx, peak, next, false, search);
  }
  search.fit.scale = select(nonzero, search.fit.scale, zero);
  return search.fit;
}

// levels: the codes less nmax, or -nmax in lanes of zero. The weights are x^2.
template <typename V, int kN, int kNmax>
PJ_VEC V refine_symmetric(const V* x, V* levels) {
  const V zero = all<V>(0.0F);
  const V low = all<V>(static_cast<float>(-kNmax));
  const V peak = signed_peak<V, kN>(x);
  const auto nonzero = ~(abs_of(peak) < all<V>(kGroupMaxEps));
  const V inverse = low / peak;
  V sum_xl = zero;
  V sum_l2 = zero;
  for (int i = 0; i < kN; ++i) {
    levels[i] = nearest_clamped(inverse * x[i], -kNmax, kNmax - 1);
    const V w = x[i] * x[i];
    sum_xl = sum_xl + w * x[i] * levels[i];
    sum_l2 = sum_l2 + w * levels[i] * levels[i];
  }
  auto active = nonzero;  // lanes whose last pass moved a code
  for (int pass = 0; pass < 5 && any(active); ++pass) {
    auto changed = no_lanes(static_cast<V*>(nullptr));
    for (int i = 0; i < kN; ++i) {
      const V w = x[i] * x[i];
      const V wx = w * x[i];
      V moved_xl = sum_xl - wx * levels[i];
      V moved_l2 = sum_l2 - w * levels[i] * levels[i];
      const V level = nearest_clamped(x[i] * moved_l2 / moved_xl, -kNmax, kNmax - 1);
      auto accepted = (moved_xl > zero) & (level != levels[i]) & active;
      if (!any(accepted)) continue;
      moved_xl = moved_xl + wx * level;
      moved_l2 = moved_l2 + w * level * level;
      accepted = accepted & (moved_l2 > zero) &
                 (moved_xl * moved_xl * sum_l2 > sum_xl * sum_xl * moved_l2);
      levels[i] = select(accepted, level, levels[i]);
      sum_xl = select(accepted, moved_xl, sum_xl);
      sum_l2 = select(accepted, moved_l2, sum_l2);
      changed = changed | accepted;
    }
    active = active & changed;
  }
  for (int i = 0; i < kN; ++i) levels[i] = select(nonzero, levels[i], low);
  return select(nonzero & (sum_l2 > zero), sum_xl / sum_l2, zero);
}

template <int kN>
struct PositiveFit {
  F unit;
  I codes[kN];
  M unsafe;  // a code the scalar search would store as a wrapped byte
};

// Error of round(x * inverse) / inverse.
template <int kN, int kNmax>
PJ_VEC F positive_error(const F* x, const F* w, F inverse, F scale, bool limited) {
  F error = all<F>(0.0F);
  for (int i = 0; i < kN; ++i) {
    const I code = nearest_int(inverse * x[i]);
    const I level = limited ? min_of(code, all<I>(kNmax)) : code & all<I>(0xff);
    const F difference = x[i] - scale * to_float(level);
    error = error + w[i] * difference * difference;
  }
  return error;
}

// Block scales: one super block per lane, codes 0 .. kNmax.
template <int kN, int kNmax>
PositiveFit<kN> fit_positive(const F* x, const F* w) {
  const F zero = all<F>(0.0F);
  F max = zero;
  M unsafe = no_lanes(static_cast<F*>(nullptr));
  for (int i = 0; i < kN; ++i) {
    max = max_of(max, x[i]);
    unsafe = unsafe | (x[i] < zero);
  }
  const M nonzero = ~(max < all<F>(kGroupMaxEps));
  F inverse = all<F>(static_cast<float>(kNmax)) / max;
  F best = positive_error<kN, kNmax>(x, w, inverse, all<F>(1.0F) / inverse, false);
  for (int trial = -4; trial <= 4; ++trial) {
    if (trial == 0) continue;
    const F tried = all<F>(0.1F * static_cast<float>(trial) + static_cast<float>(kNmax)) / max;
    const F error = positive_error<kN, kNmax>(x, w, tried, all<F>(1.0F) / tried, true);
    const M better = error < best;
    best = select(better, error, best);
    inverse = select(better, tried, inverse);
  }
  F levels[kN];
  F sum_xl = zero;
  F sum_l2 = zero;
  for (int i = 0; i < kN; ++i) {
    levels[i] = to_float(min_of(nearest_int(inverse * x[i]), all<I>(kNmax)));
    sum_xl = sum_xl + w[i] * x[i] * levels[i];
    sum_l2 = sum_l2 + w[i] * levels[i] * levels[i];
  }
  M active = nonzero;
  for (int pass = 0; pass < 5 && any(active); ++pass) {
    M changed = no_lanes(static_cast<F*>(nullptr));
    for (int i = 0; i < kN; ++i) {
      F moved_xl = sum_xl - w[i] * x[i] * levels[i];
      F moved_l2 = sum_l2 - w[i] * levels[i] * levels[i];
      M accepted = (moved_xl > zero) & (moved_l2 > zero) & active;
      const F level = to_float(min_of(nearest_int(x[i] * moved_l2 / moved_xl), all<I>(kNmax)));
      moved_xl = moved_xl + w[i] * x[i] * level;
      moved_l2 = moved_l2 + w[i] * level * level;
      accepted = accepted & (level != levels[i]) &
                 (moved_xl * moved_xl * sum_l2 > sum_xl * sum_xl * moved_l2);
      levels[i] = select(accepted, level, levels[i]);
      sum_xl = select(accepted, moved_xl, sum_xl);
      sum_l2 = select(accepted, moved_l2, sum_l2);
      changed = changed | accepted;
    }
    active = active & changed;
  }
  PositiveFit<kN> fit;
  for (int i = 0; i < kN; ++i) {
    unsafe = unsafe | (levels[i] < zero);
    fit.codes[i] = select(nonzero, to_int(levels[i]), all<I>(0));
  }
  fit.unit = select(nonzero & (sum_l2 > zero), sum_xl / sum_l2, zero);
  fit.unsafe = unsafe & nonzero;
  return fit;
}
