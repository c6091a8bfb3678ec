// SPDX-License-Identifier: Apache-2.0
// Where things are in a KV page (kernels/attention.h). For kernels; callers see opaque bytes.
//
// Keys lie dim by dim with positions side by side, so that a vector holds one dim of many positions
// and scores need no sums across lanes. Values lie position by position, padded with zeros to whole
// vectors, so that a result is a sum of scaled rows. Quads of bytes are what integer dot products
// take.
//
//   F32, F16:  keys    [head_dim][64 positions]
//              values  [64 positions][value_dims]
//   Q8_0:      keys    [quads of dims][64 positions][4 dims]       bytes, integer + 128
//              values  [16 quads of positions][value_dims][4]      signed bytes
//              key scales, then value scales  [blocks of 32 dims][64 positions]  F16
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"

namespace pajamas {

constexpr std::int64_t kKvBlockDims = 32;   // that share a Q8_0 scale
constexpr std::int64_t kKvValueAlign = 16;  // value rows are padded to this many dims

struct KvPageLayout {
  std::int64_t head_dim;
  std::int64_t value_dims;  // head_dim, padded
  std::int64_t key_quads;   // Q8_0: groups of 4 dims
  std::int64_t blocks;      // Q8_0: groups of 32 dims, the last may be smaller
  std::size_t values_at;    // byte offsets; keys are at 0
  std::size_t key_scales_at;
  std::size_t value_scales_at;
  std::size_t bytes;
};

constexpr KvPageLayout kv_page_layout(KvType type, std::int64_t head_dim) {
  KvPageLayout layout{};
  layout.head_dim = head_dim;
  layout.value_dims = (head_dim + kKvValueAlign - 1) / kKvValueAlign * kKvValueAlign;
  layout.key_quads = (head_dim + 3) / 4;
  layout.blocks = (head_dim + kKvBlockDims - 1) / kKvBlockDims;
  const std::int64_t elem_bytes = type == KvType::kF32 ? 4 : type == KvType::kF16 ? 2 : 1;
  const std::int64_t key_dims = type == KvType::kQ8_0 ? 4 * layout.key_quads : head_dim;
  const auto keys = static_cast<std::size_t>(kKvPagePositions * key_dims * elem_bytes);
  const auto values = static_cast<std::size_t>(kKvPagePositions * layout.value_dims * elem_bytes);
  const auto scales = static_cast<std::size_t>(kKvPagePositions * layout.blocks * 2);
  layout.values_at = keys;
  layout.key_scales_at = keys + values;
  layout.value_scales_at = layout.key_scales_at + scales;
  layout.bytes = type == KvType::kQ8_0 ? layout.value_scales_at + scales : layout.key_scales_at;
  return layout;
}

// The cells of a page that a query attends: [begin, end), empty when begin >= end.
struct CellRange {
  std::int64_t begin;
  std::int64_t end;
};

inline CellRange attended_cells(const AttentionTask& task, std::int64_t query, std::int64_t page) {
  const std::int64_t position = task.query_positions[query];
  const std::int64_t page_start = task.first_position + page * kKvPagePositions;
  const std::int64_t first = task.window > 0 ? position - task.window + 1 : 0;
  const auto clamp = [](std::int64_t cell) {
    return cell < 0 ? 0 : cell > kKvPagePositions ? kKvPagePositions : cell;
  };
  return {.begin = clamp((first > 0 ? first : 0) - page_start),
          .end = clamp(position + 1 - page_start)};
}

}  // namespace pajamas
