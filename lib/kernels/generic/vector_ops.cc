// SPDX-License-Identifier: Apache-2.0
// The vector operations in plain loops with the standard library's functions: what the faster
// tables are tested against.
#include "kernels/vector_ops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/kernel_parts.h"

namespace pajamas::generic {
namespace {

void rms_norm_each(const float* x, const float* weight, std::int64_t n, float eps, float* out) {
  double squares = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  const double mean = squares / static_cast<double>(n);
  const auto factor = static_cast<float>(1.0 / std::sqrt(mean + static_cast<double>(eps)));
  for (std::int64_t i = 0; i < n; ++i) {
    out[i] = x[i] * factor * (weight == nullptr ? 1.0F : weight[i]);
  }
}

void add_to_each(float* x, const float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] += y[i];
}

void scale_by_each(float* x, std::int64_t n, float factor) {
  for (std::int64_t i = 0; i < n; ++i) x[i] *= factor;
}

void softcap_each(float* x, std::int64_t n, float cap) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

void silu_mul_each(const float* gate, const float* up, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
}

void gelu_tanh_mul_each(const float* gate, const float* up, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = gate[i];
    const float inner = 0.7978845608028654F * g * (1.0F + 0.044715F * g * g);  // sqrt(2 / pi)
    out[i] = 0.5F * g * (1.0F + std::tanh(inner)) * up[i];
  }
}

void softmax_each(float* x, std::int64_t n) {
  float top = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < n; ++i) top = std::max(top, x[i]);
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = std::exp(x[i] - top);
    sum += static_cast<double>(x[i]);
  }
  const auto factor = static_cast<float>(1.0 / sum);
  for (std::int64_t i = 0; i < n; ++i) x[i] *= factor;
}

std::int64_t argmax_each(const float* x, std::int64_t n) {
  std::int64_t best = -1;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!std::isnan(x[i]) && (best < 0 || x[i] > x[best])) best = i;
  }
  return std::max<std::int64_t>(best, 0);
}

void rope_each(float* x, std::int64_t heads, std::int64_t head_dim, std::int64_t rotated,
               const float* cos, const float* sin, RopeLayout layout) {
  const std::int64_t half = rotated / 2;
  const std::int64_t step = layout == RopeLayout::kInterleaved ? 2 : 1;
  const std::int64_t apart = layout == RopeLayout::kInterleaved ? 1 : half;
  for (std::int64_t head = 0; head < heads; ++head) {
    float* const at = x + head * head_dim;
    for (std::int64_t pair = 0; pair < half; ++pair) {
      float& first = at[pair * step];
      float& second = at[pair * step + apart];
      const float a = first;
      const float b = second;
      first = a * cos[pair] - b * sin[pair];
      second = a * sin[pair] + b * cos[pair];
    }
  }
}

}  // namespace

void add_vector_ops(KernelTable& table) {
  table.ops.rms_norm = rms_norm_each;
  table.ops.add_to = add_to_each;
  table.ops.scale_by = scale_by_each;
  table.ops.softcap = softcap_each;
  table.ops.silu_mul = silu_mul_each;
  table.ops.gelu_tanh_mul = gelu_tanh_mul_each;
  table.ops.softmax = softmax_each;
  table.ops.argmax = argmax_each;
  table.ops.rope = rope_each;
}

}  // namespace pajamas::generic
