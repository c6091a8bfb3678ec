// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/attention.h"

#include <algorithm>
#include <vector>

#include "kernels/vector_ops.h"
#include "runtime/blocks/projection.h"

namespace pajamas {
namespace {

// Tokens whose queries go through the keys together.
constexpr std::int64_t kTileTokens = 16;

// Rows of a micro-batch with query, key and value side by side.
struct QkvRows {
  float* values;
  std::int64_t query_width;
  std::int64_t kv_width;

  [[nodiscard]] std::int64_t stride() const { return query_width + 2 * kv_width; }
  [[nodiscard]] float* query(std::int64_t row) const { return values + row * stride(); }
  [[nodiscard]] float* key(std::int64_t row) const { return query(row) + query_width; }
  [[nodiscard]] float* value(std::int64_t row) const { return key(row) + kv_width; }
};

void norm_heads(const ForwardContext& context, const std::vector<float>& weight, std::int64_t heads,
                float* x) {
  if (weight.empty()) return;
  const HyperParameters& p = context.parameters;
  const bool is_per_head = p.arch->attention.qk_norm == QkNorm::kPerHead;
  const std::int64_t width = is_per_head ? p.head_dim : heads * p.head_dim;
  for (std::int64_t at = 0; at < heads * p.head_dim; at += width) {
    rms_norm(context.kernels, x + at, weight.data(), width, p.rms_eps, x + at);
  }
}

void rotate(const ForwardContext& context, std::int64_t layer, std::int64_t row,
            const QkvRows& qkv) {
  const HyperParameters& p = context.parameters;
  if (!p.has_rope(layer)) return;
  const RopeAngles& angles = p.has_window(layer) ? context.local_rope : context.rope;
  const std::int64_t at = row * (p.rope.rotated / 2);
  const RopeLayout layout =
      p.arch->attention.rope == Rope::kInterleaved ? RopeLayout::kInterleaved : RopeLayout::kHalves;
  rope(context.kernels, qkv.query(row), p.heads, p.head_dim, p.rope.rotated, angles.cos + at,
       angles.sin + at, layout);
  rope(context.kernels, qkv.key(row), p.kv_heads, p.head_dim, p.rope.rotated, angles.cos + at,
       angles.sin + at, layout);
}

void store_row(const ForwardContext& context, std::int64_t layer, const MicroBatch& batch,
               std::int64_t row, const QkvRows& qkv) {
  const HyperParameters& p = context.parameters;
  const std::int64_t position = batch.positions[static_cast<std::size_t>(row)];
  const Sequence& sequence = batch.sequence_of(row);
  const KvPool& pool = sequence.pool();
  const std::int32_t block =
      sequence.blocks()[static_cast<std::size_t>(position / kKvPagePositions)];
  for (std::int64_t head = 0; head < p.kv_heads; ++head) {
    store_kv(context.kernels, pool.shape().type, p.head_dim, qkv.key(row) + head * p.head_dim,
             qkv.value(row) + head * p.head_dim, position % kKvPagePositions,
             pool.page(block, layer, head));
  }
}

struct Tile {
  const TokenRun* run = nullptr;
  std::int64_t first_row = 0;  // in the micro-batch
  std::int64_t count = 0;
};

std::vector<Tile> make_tiles(const MicroBatch& batch) {
  std::vector<Tile> tiles;
  for (const TokenRun& run : batch.runs) {
    for (std::int64_t row = 0; row < run.count; row += kTileTokens) {
      tiles.push_back({&run, run.first_row + row, std::min(kTileTokens, run.count - row)});
    }
  }
  return tiles;
}

// The pointers of one attention task, kept per thread so that tasks allocate nothing.
struct TaskPointers {
  std::vector<const float*> queries;
  std::vector<float*> outs;
  std::vector<std::int64_t> positions;
  std::vector<const std::byte*> pages;
};

void attend_tile(const ForwardContext& context, std::int64_t layer, std::int64_t kv_head,
                 const Tile& tile, const MicroBatch& batch, const QkvRows& qkv, float* out) {
  thread_local TaskPointers task;
  const HyperParameters& p = context.parameters;
  const std::int64_t group = p.heads / p.kv_heads;
  task.queries.clear();
  task.outs.clear();
  task.positions.clear();
  task.pages.clear();
  for (std::int64_t row = tile.first_row; row < tile.first_row + tile.count; ++row) {
    for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      task.queries.push_back(qkv.query(row) + head * p.head_dim);
      task.outs.push_back(out + row * p.query_width() + head * p.head_dim);
      task.positions.push_back(batch.positions[static_cast<std::size_t>(row)]);
    }
  }
  const std::int64_t window = p.has_window(layer) ? p.window : 0;
  const std::int64_t first_attended =
      window == 0 ? 0 : std::max<std::int64_t>(0, task.positions.front() - window + 1);
  const std::int64_t first_page = first_attended / kKvPagePositions;
  const std::int64_t last_page = task.positions.back() / kKvPagePositions;
  const Sequence& sequence = *tile.run->sequence;
  for (std::int64_t page = first_page; page <= last_page; ++page) {
    task.pages.push_back(
        sequence.pool().page(sequence.blocks()[static_cast<std::size_t>(page)], layer, kv_head));
  }
  attend(context.kernels, {.type = sequence.pool().shape().type,
                           .head_dim = p.head_dim,
                           .pages = task.pages,
                           .first_position = first_page * kKvPagePositions,
                           .n_queries = static_cast<std::int64_t>(task.queries.size()),
                           .queries = task.queries.data(),
                           .outs = task.outs.data(),
                           .query_positions = task.positions.data(),
                           .window = window,
                           .scale = p.attention_scale,
                           .logit_softcap = p.attention_softcap});
}

}  // namespace

void attention(ForwardContext& context, const AttentionWeights& weights, std::int64_t layer,
               const MicroBatch& batch, const float* x, float* out) {
  const HyperParameters& p = context.parameters;
  const std::int64_t rows = batch.rows();
  QkvRows qkv{.values = nullptr, .query_width = p.query_width(), .kv_width = p.kv_width()};
  qkv.values = context.qkv.get_floats(rows * qkv.stride());
  project(context, weights.qkv, x, rows, qkv.values, qkv.stride());

  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      norm_heads(context, weights.query_norm, p.heads, qkv.query(row));
      norm_heads(context, weights.key_norm, p.kv_heads, qkv.key(row));
      rotate(context, layer, row, qkv);
      store_row(context, layer, batch, row, qkv);
    }
  });

  const std::vector<Tile> tiles = make_tiles(batch);
  float* attended = context.attended.get_floats(rows * p.query_width());
  context.team.run(
      static_cast<std::int64_t>(tiles.size()) * p.kv_heads, [&](std::int64_t task, int) {
        attend_tile(context, layer, task % p.kv_heads,
                    tiles[static_cast<std::size_t>(task / p.kv_heads)], batch, qkv, attended);
      });
  project(context, weights.output, attended, rows, out);
}

}  // namespace pajamas
