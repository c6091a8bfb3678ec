// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/layer.h"

#include "kernels/vector_ops.h"
#include "runtime/blocks/attention.h"
#include "runtime/blocks/ffn.h"
#include "runtime/blocks/moe.h"

namespace pajamas {
namespace {

// What goes into a half: the stream, normed where the family norms before.
const float* half_input(ForwardContext& context, const std::vector<float>& norm, const float* x,
                        std::int64_t rows) {
  if (context.parameters.arch->norm.placement == NormPlacement::kPost) return x;
  float* normed = context.normed.get_floats(rows * context.parameters.hidden);
  norm_rows(context, norm, x, rows, normed);
  return normed;
}

// x += out, normed where the family norms after.
void add_half(ForwardContext& context, const std::vector<float>& post_norm, float* out,
              std::int64_t rows, float* x) {
  const HyperParameters& p = context.parameters;
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      float* values = out + row * p.hidden;
      if (p.arch->norm.placement != NormPlacement::kPre) {
        rms_norm(context.kernels, values, post_norm.data(), p.hidden, p.rms_eps, values);
      }
      if (p.residual_scale != 1.0F) {
        scale_by(context.kernels, values, p.hidden, p.residual_scale);
      }
      add_to(context.kernels, x + row * p.hidden, values, p.hidden);
    }
  });
}

}  // namespace

void norm_rows(ForwardContext& context, const std::vector<float>& weight, const float* x,
               std::int64_t rows, float* out) {
  const HyperParameters& p = context.parameters;
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      rms_norm(context.kernels, x + row * p.hidden, weight.data(), p.hidden, p.rms_eps,
               out + row * p.hidden);
    }
  });
}

void attention_half(ForwardContext& context, const LayerWeights& weights, std::int64_t layer,
                    const MicroBatch& batch, float* x) {
  const std::int64_t rows = batch.rows();
  float* out = context.block_out.get_floats(rows * context.parameters.hidden);
  attention(context, weights.attention, layer, batch,
            half_input(context, weights.attention.norm, x, rows), out);
  add_half(context, weights.attention.post_norm, out, rows, x);
}

void ffn_half(ForwardContext& context, const LayerWeights& weights, std::int64_t rows, float* x) {
  float* out = context.block_out.get_floats(rows * context.parameters.hidden);
  const float* input = half_input(context, weights.ffn_norm, x, rows);
  if (context.parameters.experts > 0) {
    mixture_of_experts(context, weights.moe, input, rows, out);
  } else {
    gated_ffn(context, weights.ffn, input, rows, out);
  }
  add_half(context, weights.ffn_post_norm, out, rows, x);
}

}  // namespace pajamas
