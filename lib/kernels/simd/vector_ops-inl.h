// SPDX-License-Identifier: Apache-2.0
// The vector operations of kernels/vector_ops.h. A remainder of fewer than kLanes elements goes
// through a padded vector on the stack.

PJ_VEC F load_first(const float* p, std::int64_t n, float rest) {
  float values[kLanes];
  store(values, all<F>(rest));
  __builtin_memcpy(values, p, static_cast<std::size_t>(n) * sizeof(float));
  return load(values);
}
PJ_VEC void store_first(float* p, std::int64_t n, F x) {
  float values[kLanes];
  store(values, x);
  __builtin_memcpy(p, values, static_cast<std::size_t>(n) * sizeof(float));
}

// out[i] = change(x[i], y[i]).
template <typename Change>
PJ_VEC void change_two(const float* x, const float* y, std::int64_t n, float* out, Change change) {
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) store(out + at, change(load(x + at), load(y + at)));
  if (at == n) return;
  const std::int64_t rest = n - at;
  store_first(out + at, rest, change(load_first(x + at, rest, 0), load_first(y + at, rest, 0)));
}

// x[i] = change(x[i]).
template <typename Change>
PJ_VEC void change_each(float* x, std::int64_t n, Change change) {
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) store(x + at, change(load(x + at)));
  if (at < n) store_first(x + at, n - at, change(load_first(x + at, n - at, 0)));
}

void add_to_lanes(float* x, const float* y, std::int64_t n) {
  change_two(x, y, n, x, [](F a, F b) { return a + b; });
}

void scale_by_lanes(float* x, std::int64_t n, float factor) {
  change_each(x, n, [&](F a) { return a * all<F>(factor); });
}

void softcap_lanes(float* x, std::int64_t n, float cap) {
  change_each(x, n, [&](F a) { return all<F>(cap) * tanh_of(a / all<F>(cap)); });
}

void silu_mul_lanes(const float* gate, const float* up, std::int64_t n, float* out) {
  change_two(gate, up, n, out,
             [](F g, F u) { return g / (all<F>(1.0F) + exp_of(all<F>(0.0F) - g)) * u; });
}

// 0.5 * (1 + tanh(t)) = 1 / (1 + exp(-2t)), for t = sqrt(2 / pi) * (g + 0.044715 * g^3).
void gelu_tanh_mul_lanes(const float* gate, const float* up, std::int64_t n, float* out) {
  change_two(gate, up, n, out, [](F g, F u) {
    const F inner = fma(g * g, all<F>(-2.0F * 0.7978845608028654F * 0.044715F),
                        all<F>(-2.0F * 0.7978845608028654F));
    return g / (all<F>(1.0F) + exp_of(g * inner)) * u;
  });
}

void rms_norm_lanes(const float* x, const float* weight, std::int64_t n, float eps, float* out) {
  F sums[4] = {all<F>(0.0F), all<F>(0.0F), all<F>(0.0F), all<F>(0.0F)};
  std::int64_t at = 0;
  for (; at + 4 * kLanes <= n; at += 4 * kLanes) {
#pragma GCC unroll 4
    for (int part = 0; part < 4; ++part) {
      const F v = load(x + at + part * kLanes);
      sums[part] = fma(v, v, sums[part]);
    }
  }
  for (; at < n; at += kLanes) {
    const F v = at + kLanes <= n ? load(x + at) : load_first(x + at, n - at, 0);
    sums[0] = fma(v, v, sums[0]);
  }
  const float squares = sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  const float factor = 1.0F / __builtin_sqrtf(squares / static_cast<float>(n) + eps);
  if (weight == nullptr) {
    change_two(x, x, n, out, [&](F v, F) { return v * all<F>(factor); });
  } else {
    change_two(x, weight, n, out, [&](F v, F w) { return v * all<F>(factor) * w; });
  }
}

PJ_VEC float largest_of(const float* x, std::int64_t n) {
  constexpr float kLowest = -__builtin_inff();
  F top = all<F>(kLowest);
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) top = max_of(load(x + at), top);  // NaN: keeps top
  if (at < n) top = max_of(load_first(x + at, n - at, kLowest), top);
  return largest_lane(top);
}

void softmax_lanes(float* x, std::int64_t n) {
  const F top = all<F>(largest_of(x, n));
  F sums = all<F>(0.0F);
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    const F e = exp_of(load(x + at) - top);
    store(x + at, e);
    sums = sums + e;
  }
  if (at < n) {
    const F e = exp_of(load_first(x + at, n - at, -__builtin_inff()) - top);
    store_first(x + at, n - at, e);
    sums = sums + e;
  }
  scale_by_lanes(x, n, 1.0F / sum_of_lanes(sums));
}

std::int64_t argmax_lanes(const float* x, std::int64_t n) {
  const float top = largest_of(x, n);
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    const M equal = load(x + at) == all<F>(top);
    if (any(equal)) break;
  }
  for (; at < n; ++at) {
    if (x[at] == top) return at;
  }
  return 0;
}

PJ_VEC void turn(float* first, float* second, const float* cos, const float* sin, float* out_first,
                 float* out_second) {
  const F a = load(first);
  const F b = load(second);
  const F c = load(cos);
  const F s = load(sin);
  store(out_first, fma(a, c, all<F>(0.0F) - b * s));
  store(out_second, fma(a, s, b * c));
}

// Pairs that do not fill a vector go one by one, with the same roundings.
PJ_VEC void turn_one(float& first, float& second, float cos, float sin) {
  const float a = first;
  const float b = second;
  first = __builtin_fmaf(a, cos, -(b * sin));
  second = __builtin_fmaf(a, sin, b * cos);
}

void rope_lanes(float* x, std::int64_t heads, std::int64_t head_dim, std::int64_t rotated,
                const float* cos, const float* sin, RopeLayout layout) {
  const std::int64_t half = rotated / 2;
  for (std::int64_t head = 0; head < heads; ++head) {
    float* const at = x + head * head_dim;
    std::int64_t pair = 0;
    if (layout == RopeLayout::kHalves) {
      for (; pair + kLanes <= half; pair += kLanes) {
        turn(at + pair, at + half + pair, cos + pair, sin + pair, at + pair, at + half + pair);
      }
      for (; pair < half; ++pair) turn_one(at[pair], at[half + pair], cos[pair], sin[pair]);
    } else {
      for (; pair < half; ++pair) turn_one(at[2 * pair], at[2 * pair + 1], cos[pair], sin[pair]);
    }
  }
}
