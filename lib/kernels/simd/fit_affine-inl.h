// SPDX-License-Identifier: Apache-2.0
// codecs/scale_search.h's fit_affine(), one group per lane. Same sums in the same order.

// Trial numerators of the scale search: first + step * i + levels, rounded as written.
struct TrialList {
  float values[40];
  int count;
};
constexpr TrialList affine_trials(float first, float step, int steps, int levels) {
  TrialList trials{};
  for (int i = 0; i <= steps; ++i) {
    trials.values[i] = first + step * static_cast<float>(i) + static_cast<float>(levels);
  }
  trials.count = steps + 1;
  return trials;
}

template <typename V>
struct AffineFit {
  V scale;
  V min;
  V code_inverse;  // the codes are round((x - code_min) * code_inverse), clamped
  V code_min;
  typename V::Mask unsafe;  // a rounding argument left the range the fast rounding is exact in
};

// What stays the same over the trials of one group.
template <typename V>
struct AffineSums {
  V min;
  V max;
  V sum_w;
  V sum_x;
};

template <typename V, int kN>
PJ_VEC AffineSums<V> affine_sums(const V* x, const V* w) {
  AffineSums<V> sums{x[0], x[0], w[0], w[0] * x[0]};
  for (int i = 1; i < kN; ++i) {
    sums.min = min_of(x[i], sums.min);
    sums.max = max_of(x[i], sums.max);
    sums.sum_w = sums.sum_w + w[i];
    sums.sum_x = sums.sum_x + w[i] * x[i];
  }
  const V zero = all<V>(0.0F);
  sums.min = select(sums.min > zero, zero, sums.min);  // keeps -0
  return sums;
}

// Sum of weighted errors of scale * code + min.
template <typename V, int kN, bool kAbsolute>
PJ_VEC V affine_error(const V* x, const V* w, const V* codes, V scale, V min) {
  V error = all<V>(0.0F);
#pragma GCC unroll 4
  for (int i = 0; i < kN; ++i) {
    const V difference = scale * codes[i] + min - x[i];
    const V cost = kAbsolute ? abs_of(difference) : difference * difference;
    error = error + w[i] * cost;
  }
  return error;
}

// True lanes: all of (x - min) * inverse is safely below 2^22 for x between low and high.
template <typename V>
PJ_VEC typename V::Mask rounds_exactly(V inverse, V low, V high, V min) {
  const V limit = all<V>(0x1p21F);
  return (abs_of((low - min) * inverse) < limit) & (abs_of((high - min) * inverse) < limit);
}

template <typename V, int kN, int kMax, bool kAbsolute>
PJ_VEC AffineFit<V> fit_affine(const V* x, const V* w, const float* trials, int n_trials) {
  const AffineSums<V> sums = affine_sums<V, kN>(x, w);
  const V high_code = all<V>(static_cast<float>(kMax));
  const V lowest = sums.min;
  const auto active = sums.max > sums.min;
  V codes[kN];
  V min = sums.min;
  V inverse = high_code / (sums.max - min);
  V scale = all<V>(1.0F) / inverse;
  for (int i = 0; i < kN; ++i) {
    codes[i] = nearest_clamped_small<0, kMax>(inverse * (x[i] - min));
  }
  auto safe = rounds_exactly(inverse, lowest, sums.max, min);
  V best = affine_error<V, kN, kAbsolute>(x, w, codes, scale, min);
  V code_inverse = inverse;
  V code_min = min;
  for (int trial = 0; trial < n_trials; ++trial) {
    inverse = all<V>(trials[trial]) / (sums.max - min);
    V sum_l = all<V>(0.0F);
    V sum_l2 = all<V>(0.0F);
    V sum_xl = all<V>(0.0F);
#pragma GCC unroll 4
    for (int i = 0; i < kN; ++i) {
      const V l = nearest_clamped_small<0, kMax>(inverse * (x[i] - min));
      codes[i] = l;
    }
#pragma GCC unroll 4
    for (int i = 0; i < kN; ++i) {
      const V l = codes[i];
      const V wl = w[i] * l;
      sum_l = sum_l + wl;
      sum_l2 = sum_l2 + wl * l;
      sum_xl = sum_xl + wl * x[i];
    }
    safe = safe & rounds_exactly(inverse, lowest, sums.max, min);
    const V determinant = sums.sum_w * sum_l2 - sum_l * sum_l;
    V trial_scale = (sums.sum_w * sum_xl - sums.sum_x * sum_l) / determinant;
    V trial_min = (sum_l2 * sums.sum_x - sum_l * sum_xl) / determinant;
    const auto positive = trial_min > all<V>(0.0F);
    if (any(positive)) {
      trial_scale = select(positive, sum_xl / sum_l2, trial_scale);
      trial_min = select(positive, all<V>(0.0F), trial_min);
    }
    const V error = affine_error<V, kN, kAbsolute>(x, w, codes, trial_scale, trial_min);
    const auto accepted = (determinant > all<V>(0.0F)) & (error < best);
    best = select(accepted, error, best);
    scale = select(accepted, trial_scale, scale);
    code_inverse = select(accepted, inverse, code_inverse);
    code_min = select(accepted, min, code_min);
    min = select(accepted, trial_min, min);
  }
  scale = select(active, scale, all<V>(0.0F));
  min = select(active, min, lowest);
  code_inverse = select(active, code_inverse, all<V>(0.0F));
  return {scale, min, code_inverse, code_min, active & ~safe};
}
