// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/ffn.h"

#include "kernels/vector_ops.h"
#include "runtime/blocks/projection.h"

namespace pajamas {

void activate(ForwardContext& context, const float* gate_up, std::int64_t rows, std::int64_t width,
              float* out) {
  const auto multiply =
      context.parameters.arch->ffn.activation == Activation::kSilu ? silu_mul : gelu_tanh_mul;
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      const float* gate = gate_up + row * 2 * width;
      multiply(context.kernels, gate, gate + width, width, out + row * width);
    }
  });
}

void gated_ffn(ForwardContext& context, const FfnWeights& weights, const float* x,
               std::int64_t rows, float* out) {
  const std::int64_t width = weights.down.cols();
  float* gate_up = context.gate_up.get_floats(rows * 2 * width);
  project(context, weights.gate_up, x, rows, gate_up, 2 * width);
  float* activated = context.activated.get_floats(rows * width);
  activate(context, gate_up, rows, width, activated);
  project(context, weights.down, activated, rows, out);
}

}  // namespace pajamas
