// SPDX-License-Identifier: Apache-2.0
#include "runtime/forward_pass.h"

#include <algorithm>
#include <cstring>

#include "kernels/vector_ops.h"
#include "kernels/weight_rows.h"
#include "runtime/blocks/layer.h"
#include "runtime/blocks/projection.h"

namespace pajamas {
namespace {

// Rows of logits that are in memory at a time: a vocabulary has up to a quarter million tokens.
constexpr std::int64_t kLogitRows = 32;

std::span<const float> rope_divisors(const HyperParameters& parameters, const Weights& weights,
                                     std::int64_t context) {
  if (weights.rope_factors_long.empty() && weights.rope_factors_short.empty()) {
    return weights.rope_factors;
  }
  return context > parameters.rope.original_context ? weights.rope_factors_long
                                                    : weights.rope_factors_short;
}

}  // namespace

ForwardPass::ForwardPass(const HyperParameters& parameters, const Weights& weights,
                         const KernelTable* kernels, WorkerTeam& team, std::int64_t context,
                         std::int64_t micro_batch)
    : parameters_(parameters),
      weights_(weights),
      context_{.parameters = parameters, .kernels = kernels, .team = team},
      rope_(make_rope_frequencies(parameters.rope, rope_divisors(parameters, weights, context))),
      local_rope_(parameters.arch->attention.local_rope_theta > 0
                      ? make_rope_frequencies(parameters.local_rope, {})
                      : rope_),
      max_positions_(context),
      micro_batch_(micro_batch) {}

std::uint64_t ForwardPass::scratch_bytes(const HyperParameters& p, std::int64_t micro_batch) {
  const std::int64_t ffn = std::max({p.ffn, p.shared_ffn, p.expert_ffn * p.experts_used});
  const std::int64_t per_row = 5 * p.hidden + 2 * (p.query_width() + p.kv_width()) + 4 * ffn +
                               p.hidden * p.experts_used + p.experts;
  return static_cast<std::uint64_t>(micro_batch * per_row + kLogitRows * p.vocab) * sizeof(float);
}

Status check_batch(std::span<const BatchToken> batch, const HyperParameters& parameters,
                   std::int64_t context) {
  std::vector<std::pair<const Sequence*, std::int64_t>> lengths;
  for (const BatchToken& item : batch) {
    if (item.token < 0 || item.token >= parameters.vocab) {
      return make_error(ErrorCode::kInvalidArgument,
                        "token {} is not in the model's vocabulary of {}", item.token,
                        parameters.vocab);
    }
    if (lengths.empty() || lengths.back().first != item.sequence) {
      const auto found =
          std::ranges::find(lengths, item.sequence, [](const auto& entry) { return entry.first; });
      if (found == lengths.end()) {
        lengths.emplace_back(item.sequence, item.sequence->length());
      } else {
        std::iter_swap(found, lengths.end() - 1);
      }
    }
    ++lengths.back().second;
  }
  for (const auto& [sequence, length] : lengths) {
    if (length <= context) continue;
    return make_error(
        ErrorCode::kInvalidArgument,
        "the text has {} tokens, but the context holds {}; give a larger --context "
        "(the model was trained for {}), or --context-shift to forget the oldest part",
        length, context, parameters.context_length);
  }
  return {};
}

Status ForwardPass::run(std::span<const BatchToken> batch, const OutputSink& sink,
                        const CancelToken& cancel) {
  PJ_TRY(check_batch(batch, parameters_, max_positions_));
  const auto step = static_cast<std::size_t>(micro_batch_);
  for (std::size_t first = 0; first < batch.size(); first += step) {
    PJ_TRY(run_micro_batch(batch.subspan(first, std::min(step, batch.size() - first)), first, sink,
                           cancel));
  }
  return {};
}

Result<MicroBatch> ForwardPass::begin_micro_batch(std::span<const BatchToken> batch) {
  MicroBatch micro;
  tokens_.clear();
  std::vector<std::pair<Sequence*, std::int64_t>> next;  // position of each sequence's next token
  for (const BatchToken& item : batch) {
    const auto row = static_cast<std::int64_t>(tokens_.size());
    auto found =
        std::ranges::find(next, item.sequence, [](const auto& entry) { return entry.first; });
    if (found == next.end()) {
      found = next.insert(next.end(), {item.sequence, item.sequence->length()});
    }
    if (micro.runs.empty() || micro.runs.back().sequence != item.sequence) {
      micro.runs.push_back({.sequence = item.sequence, .first_row = row});
    }
    ++micro.runs.back().count;
    micro.positions.push_back(found->second++);
    micro.sequences.push_back(item.sequence);
    tokens_.push_back(item.token);
  }
  for (const auto& [sequence, end] : next) PJ_TRY(sequence->reserve(end - sequence->length()));
  micro.tokens = tokens_;
  return micro;
}

void ForwardPass::embed(std::span<const std::int32_t> tokens, float* x) {
  const Embedding& embedding = weights_.embedding;
  const std::int64_t hidden = parameters_.hidden;
  for_row_groups(context_, static_cast<std::int64_t>(tokens.size()),
                 [&](std::int64_t first, std::int64_t count) {
                   for (std::int64_t row = first; row < first + count; ++row) {
                     const std::int64_t token = tokens[static_cast<std::size_t>(row)];
                     float* out = x + row * hidden;
                     if (embedding.rows == nullptr) {
                       unpack_row(weights_.output.matrix, token, out);
                     } else {
                       const std::uint64_t offset =
                           row_bytes(embedding.type, hidden) * static_cast<std::uint64_t>(token);
                       decode_weights(context_.kernels, embedding.type, embedding.rows + offset, 1,
                                      hidden, out);
                     }
                     if (parameters_.embedding_scale != 1.0F) {
                       scale_by(context_.kernels, out, hidden, parameters_.embedding_scale);
                     }
                   }
                 });
}

void ForwardPass::set_angles(const MicroBatch& batch) {
  const std::int64_t floats = batch.rows() * parameters_.rope.rotated;  // a cosine and a sine
  float* angles = context_.rope_angles.get_floats(2 * floats);
  context_.rope = compute_angles(context_, rope_, batch.positions, angles);
  context_.local_rope =
      parameters_.arch->attention.local_rope_theta > 0
          ? compute_angles(context_, local_rope_, batch.positions, angles + floats)
          : context_.rope;
}

Status ForwardPass::run_micro_batch(std::span<const BatchToken> batch, std::size_t first_index,
                                    const OutputSink& sink, const CancelToken& cancel) {
  const MicroBatch micro = PJ_TRY(begin_micro_batch(batch));
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].output != TokenOutput::kNothing) wanted.push_back(i);
  }
  const std::int64_t hidden = parameters_.hidden;
  float* x = stream_.get_floats(micro.rows() * hidden);
  embed(micro.tokens, x);
  set_angles(micro);
  for (std::int64_t layer = 0; layer < parameters_.layers; ++layer) {
    PJ_TRY(cancel.check());
    const LayerWeights& weights = weights_.layers[static_cast<std::size_t>(layer)];
    attention_half(context_, weights, layer, micro, x);
    std::int64_t rows = micro.rows();
    if (layer + 1 == parameters_.layers) {
      // From here on a row matters to nothing but its own output.
      rows = static_cast<std::int64_t>(wanted.size());
      float* kept = kept_rows_.get_floats(rows * hidden);
      for (std::int64_t row = 0; row < rows; ++row) {
        std::memcpy(kept + row * hidden,
                    x + static_cast<std::int64_t>(wanted[static_cast<std::size_t>(row)]) * hidden,
                    static_cast<std::size_t>(hidden) * sizeof(float));
      }
      x = kept;
    }
    if (rows > 0) ffn_half(context_, weights, rows, x);
  }
  for (const TokenRun& run : micro.runs) {
    batch[static_cast<std::size_t>(run.first_row)].sequence->commit(micro.tokens.subspan(
        static_cast<std::size_t>(run.first_row), static_cast<std::size_t>(run.count)));
  }
  give_outputs(batch, first_index, wanted, x, sink);
  return {};
}

void ForwardPass::give_outputs(std::span<const BatchToken> batch, std::size_t first_index,
                               std::span<const std::size_t> wanted, const float* x,
                               const OutputSink& sink) {
  const std::int64_t hidden = parameters_.hidden;
  const std::int64_t vocab = parameters_.vocab;
  const auto rows = static_cast<std::int64_t>(wanted.size());
  if (rows == 0) return;
  float* normed = context_.normed.get_floats(rows * hidden);
  norm_rows(context_, weights_.output_norm, x, rows, normed);
  for (std::int64_t first = 0; first < rows; first += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, rows - first);
    float* logits = nullptr;
    for (std::int64_t row = first; row < first + count; ++row) {
      const std::size_t index = wanted[static_cast<std::size_t>(row)];
      if (batch[index].output == TokenOutput::kHidden) {
        sink(first_index + index, {normed + row * hidden, static_cast<std::size_t>(hidden)});
        continue;
      }
      if (logits == nullptr) {
        logits = logits_.get_floats(count * vocab);
        project(context_, weights_.output, normed + first * hidden, count, logits);
        const HyperParameters& p = parameters_;
        context_.team.run(count, [&](std::int64_t at, int) {
          if (p.logit_scale != 1.0F) {
            scale_by(context_.kernels, logits + at * vocab, vocab, 1.0F / p.logit_scale);
          }
          if (p.final_softcap > 0) {
            softcap(context_.kernels, logits + at * vocab, vocab, p.final_softcap);
          }
        });
      }
      sink(first_index + index, {logits + (row - first) * vocab, static_cast<std::size_t>(vocab)});
    }
  }
}

}  // namespace pajamas
