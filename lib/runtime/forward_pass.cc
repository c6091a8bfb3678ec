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
                         const KernelTable* kernels, WorkerTeam& team, const PassOptions& options)
    : parameters_(parameters),
      weights_(weights),
      context_{.parameters = parameters, .kernels = kernels, .team = team},
      rope_(make_rope_frequencies(parameters.rope,
                                  rope_divisors(parameters, weights, options.context))),
      local_rope_(parameters.arch->attention.local_rope_theta > 0
                      ? make_rope_frequencies(parameters.local_rope, {})
                      : rope_),
      options_(options) {}

std::uint64_t ForwardPass::scratch_bytes(const HyperParameters& p, std::int64_t micro_batch) {
  const std::int64_t ffn = std::max({p.ffn, p.shared_ffn, p.expert_ffn * p.experts_used});
  const std::int64_t per_row = 5 * p.hidden + 2 * (p.query_width() + p.kv_width()) + 4 * ffn +
                               p.hidden * p.experts_used + p.experts;
  return static_cast<std::uint64_t>(micro_batch * per_row + kLogitRows * p.vocab) * sizeof(float);
}

std::uint64_t ForwardPass::bytes_per_pass_token(const HyperParameters& p) {
  constexpr std::uint64_t kBookkeeping = 64;  // the token, its position and its sequence
  return static_cast<std::uint64_t>(p.hidden) * sizeof(float) + kBookkeeping;
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

Status ForwardPass::check_cache_of_one_layer(std::span<const BatchToken> batch) const {
  if (!options_.has_cache_of_one_layer) return {};
  const auto tokens = static_cast<std::int64_t>(batch.size());
  if (tokens > options_.pass_tokens) {
    return make_error(ErrorCode::kInvalidArgument,
                      "{} tokens were to go through the model at once, but there is room for {}; "
                      "give fewer, or more cache positions",
                      tokens, options_.pass_tokens);
  }
  for (const BatchToken& item : batch) {
    if (item.sequence->length() == 0) continue;
    return make_error(ErrorCode::kInvalidArgument,
                      "a sequence goes on from {} tokens that the cache of one call does not "
                      "keep; begin a new one",
                      item.sequence->length());
  }
  return {};
}

Status ForwardPass::run(std::span<const BatchToken> batch, const OutputSink& sink,
                        const CancelToken& cancel) {
  PJ_TRY(check_batch(batch, parameters_, options_.context));
  PJ_TRY(check_cache_of_one_layer(batch));
  const auto step = static_cast<std::size_t>(options_.pass_tokens);
  for (std::size_t first = 0; first < batch.size(); first += step) {
    const auto pass = batch.subspan(first, std::min(step, batch.size() - first));
    const Status done = run_pass(pass, first, sink, cancel);
    if (done) continue;
    for (const BatchToken& item : pass) {
      item.sequence->truncate(item.sequence->length());  // gives back what was reserved
    }
    return done;
  }
  return {};
}

Result<std::vector<ForwardPass::Part>> ForwardPass::begin_pass(std::span<const BatchToken> batch) {
  const auto step = static_cast<std::size_t>(options_.micro_batch);
  std::vector<std::pair<Sequence*, std::int64_t>> next;  // position of each sequence's next token
  std::vector<Part> parts;
  tokens_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const BatchToken& item = batch[i];
    if (i % step == 0) parts.push_back({.first = i});
    Part& part = parts.back();
    MicroBatch& micro = part.micro;
    auto found =
        std::ranges::find(next, item.sequence, [](const auto& entry) { return entry.first; });
    if (found == next.end()) {
      found = next.insert(next.end(), {item.sequence, item.sequence->length()});
    }
    if (micro.runs.empty() || micro.runs.back().sequence != item.sequence) {
      micro.runs.push_back(
          {.sequence = item.sequence, .first_row = static_cast<std::int64_t>(i - part.first)});
    }
    ++micro.runs.back().count;
    micro.positions.push_back(found->second++);
    micro.sequences.push_back(item.sequence);
    if (item.output != TokenOutput::kNothing) part.wanted.push_back(i - part.first);
    tokens_.push_back(item.token);
  }
  for (const auto& [sequence, end] : next) PJ_TRY(sequence->reserve(end - sequence->length()));
  const std::int64_t hidden = parameters_.hidden;
  float* x = stream_.get_floats(static_cast<std::int64_t>(batch.size()) * hidden);
  for (Part& part : parts) {
    part.micro.tokens = std::span(tokens_).subspan(part.first, part.micro.positions.size());
    part.x = x + static_cast<std::int64_t>(part.first) * hidden;
    embed(part.micro.tokens, part.x);
  }
  return parts;
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

Status ForwardPass::run_layers(std::span<Part> parts, const CancelToken& cancel) {
  for (std::int64_t layer = 0; layer < parameters_.layers; ++layer) {
    PJ_TRY(cancel.check());
    if (weights_.stream != nullptr) {
      PJ_TRY(weights_.stream->hold(layer, context_.team, cancel));
    }
    for (Part& part : parts) {
      PJ_TRY(cancel.check());
      if (layer == 0 || parts.size() > 1) set_angles(part.micro);
      run_layer(layer, part);
    }
  }
  return {};
}

void ForwardPass::run_layer(std::int64_t layer, Part& part) {
  const LayerWeights& weights = weights_.layers[static_cast<std::size_t>(layer)];
  attention_half(context_, weights, layer, part.micro, part.x);
  std::int64_t rows = part.micro.rows();
  if (layer + 1 == parameters_.layers) {
    // From here on a row matters to nothing but its own output: those that are wanted move up.
    const std::int64_t hidden = parameters_.hidden;
    rows = static_cast<std::int64_t>(part.wanted.size());
    for (std::int64_t row = 0; row < rows; ++row) {
      std::memmove(
          part.x + row * hidden,
          part.x + static_cast<std::int64_t>(part.wanted[static_cast<std::size_t>(row)]) * hidden,
          static_cast<std::size_t>(hidden) * sizeof(float));
    }
  }
  if (rows > 0) ffn_half(context_, weights, rows, part.x);
}

Status ForwardPass::run_pass(std::span<const BatchToken> batch, std::size_t first_index,
                             const OutputSink& sink, const CancelToken& cancel) {
  std::vector<Part> parts = PJ_TRY(begin_pass(batch));
  PJ_TRY(run_layers(parts, cancel));
  for (const Part& part : parts) {
    for (const TokenRun& run : part.micro.runs) {
      const auto row = static_cast<std::size_t>(run.first_row);
      Sequence& sequence = *batch[part.first + row].sequence;
      if (options_.has_cache_of_one_layer) {
        sequence.truncate(0);
      } else {
        sequence.commit(part.micro.tokens.subspan(row, static_cast<std::size_t>(run.count)));
      }
    }
  }
  for (const Part& part : parts) give_outputs(batch, first_index, part, sink);
  return {};
}

void ForwardPass::give_outputs(std::span<const BatchToken> batch, std::size_t first_index,
                               const Part& part, const OutputSink& sink) {
  const std::int64_t hidden = parameters_.hidden;
  const std::int64_t vocab = parameters_.vocab;
  const auto rows = static_cast<std::int64_t>(part.wanted.size());
  if (rows == 0) return;
  float* normed = context_.normed.get_floats(rows * hidden);
  norm_rows(context_, weights_.output_norm, part.x, rows, normed);
  for (std::int64_t first = 0; first < rows; first += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, rows - first);
    float* logits = nullptr;
    for (std::int64_t row = first; row < first + count; ++row) {
      const std::size_t index = part.first + part.wanted[static_cast<std::size_t>(row)];
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
