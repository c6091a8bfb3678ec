// SPDX-License-Identifier: Apache-2.0
// What an error in each weight of a super block costs (codecs/error_weights.h), and the weights of
// whole groups, which the fits of the block scales use.

PJ_VEC F super_sum_of_squares(const float* x) {
  F sum = all<F>(0.0F);
  for (int i = 0; i < kSuperElems; ++i) {
    const F value = load(x + i * kLanes);
    sum = sum + value * value;
  }
  return sum;
}

// importance * sqrt(variance + x^2) for kN weights of neighbouring groups; returns their sum.
template <typename V, int kN>
PJ_VEC V importance_weights(const float* importance, F variance, const V* x, V* w) {
  V* const tag = nullptr;
  const V base = repeat_parts(tag, variance);
  V sum = all<V>(0.0F);
  for (int i = 0; i < kN; ++i) {
    const V factor = load_parts(tag, importance + i * kLanes, kN * kLanes);
    w[i] = factor * square_root(base + x[i] * x[i]);
    sum = sum + w[i];
  }
  return sum;
}

template <typename V, int kN>
PJ_VEC void load_groups(const float* chunk_x, int first_group, V* x) {
  constexpr int kStride = kN * kLanes;
  for (int i = 0; i < kN; ++i) {
    x[i] =
        load_parts(static_cast<V*>(nullptr), chunk_x + first_group * kStride + i * kLanes, kStride);
  }
}
