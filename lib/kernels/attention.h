// SPDX-License-Identifier: Apache-2.0
// Attention over a KV cache of pages, and the pages themselves.
//
// A page holds keys and values of 64 consecutive positions of one KV head, in memory that the
// caller owns (64-byte aligned is fastest). Its layout (kernels/kv_page.h) is the same for every
// table, so a saved cache loads on any machine. attend() walks the pages with an online softmax and
// F32 sums; all queries of a task share one KV head: the heads of a GQA group times the tokens.
//
// A query's result has the same bits whatever other queries are in the task and however tasks are
// split among threads. Tables differ within the tolerances of docs/attention.md. Everything is
// pure; attend() only reads pages. NaN in a query gives NaN in its own result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernel_table.h"

namespace pajamas {

enum class KvType {
  kF32,
  kF16,
  kQ8_0,  // 8-bit integers with an F16 scale per position and 32 dims
};

constexpr std::int64_t kKvPagePositions = 64;
constexpr std::int64_t kMaxHeadDim = 512;

// head_dim: 1 to kMaxHeadDim.
std::uint64_t kv_page_bytes(KvType type, std::int64_t head_dim);

// Writes one position. A NaN is stored as 0 and what is too large for the type as its largest
// value, so that a position never disturbs queries that do not attend to it. Needs no cleared
// memory.
void store_kv(const KernelTable* table, KvType type, std::int64_t head_dim, const float* key,
              const float* value, std::int64_t position_in_page, std::byte* page);

struct AttentionTask {
  KvType type = KvType::kF32;
  std::int64_t head_dim = 0;
  std::span<const std::byte* const> pages;  // consecutive; one that no query attends may be nullptr
  std::int64_t first_position = 0;          // the position of the first cell of pages[0]
  std::int64_t n_queries = 0;
  const float* const* queries = nullptr;  // n_queries rows of head_dim
  float* const* outs = nullptr;           // n_queries rows of head_dim; no row may be a query
  // Query i attends max(0, pos - window + 1) <= p <= pos for pos = query_positions[i]. What it
  // attends must be stored; positions outside `pages` are left out (a result of no position is 0).
  const std::int64_t* query_positions = nullptr;
  std::int64_t window = 0;     // 0: all positions
  float scale = 1.0F;          // of the dot products
  float logit_softcap = 0.0F;  // 0: none
};

void attend(const KernelTable* table, const AttentionTask& task);

}  // namespace pajamas
