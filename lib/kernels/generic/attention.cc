// SPDX-License-Identifier: Apache-2.0
// Attention in plain loops: one query at a time, one page at a time. It defines what a page's bytes
// mean; the faster tables are tested against it.
#include "kernels/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/kernel_parts.h"
#include "kernels/kv_page.h"
#include "tensor/half.h"

namespace pajamas::generic {
namespace {

constexpr float kLargestF16 = 65504.0F;

// NaN becomes 0, larger magnitudes become `limit`.
float tamed(float x, float limit) {
  if (std::isnan(x)) return 0.0F;
  return std::clamp(x, -limit, limit);
}

void put_f32(std::byte* to, float x) {
  x = tamed(x, std::numeric_limits<float>::max());
  std::memcpy(to, &x, sizeof(x));
}

void put_u16(std::byte* to, std::uint16_t x) { std::memcpy(to, &x, sizeof(x)); }

void put_f16(std::byte* to, float x) { put_u16(to, f32_to_f16(tamed(x, kLargestF16))); }

float get_f32(const std::byte* from) {
  float x = 0.0F;
  std::memcpy(&x, from, sizeof(x));
  return x;
}

float get_f16(const std::byte* from) {
  std::uint16_t x = 0;
  std::memcpy(&x, from, sizeof(x));
  return f16_to_f32(x);
}

template <std::size_t kElemBytes, void (*kPut)(std::byte*, float)>
void store_floats(const KvPageLayout& layout, const float* key, const float* value,
                  std::size_t cell, std::byte* page) {
  const auto dims = static_cast<std::size_t>(layout.head_dim);
  const auto value_dims = static_cast<std::size_t>(layout.value_dims);
  for (std::size_t dim = 0; dim < dims; ++dim) {
    kPut(page + (dim * kKvPagePositions + cell) * kElemBytes, key[dim]);
  }
  std::byte* const row = page + layout.values_at + cell * value_dims * kElemBytes;
  for (std::size_t dim = 0; dim < value_dims; ++dim) {
    kPut(row + dim * kElemBytes, dim < dims ? value[dim] : 0.0F);
  }
}

// Up to 32 dims as signed bytes; returns the scale's F16 bits. The bytes belong to the rounded
// scale, so that its rounding costs no accuracy.
std::uint16_t quantize_block(const float* x, std::size_t dims,
                             std::array<std::int8_t, kKvBlockDims>& out) {
  constexpr float kLimit = 127.0F * kLargestF16;
  float top = 0.0F;
  for (std::size_t i = 0; i < dims; ++i) top = std::max(top, std::fabs(tamed(x[i], kLimit)));
  const std::uint16_t bits = f32_to_f16(top / 127.0F);
  const float scale = f16_to_f32(bits);
  const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
  for (std::size_t i = 0; i < dims; ++i) {
    const float rounded = std::nearbyint(tamed(x[i], kLimit) * inverse);
    out[i] = static_cast<std::int8_t>(std::clamp(rounded, -127.0F, 127.0F));
  }
  return bits;
}

void store_q8_0(const KvPageLayout& layout, const float* key, const float* value, std::size_t cell,
                std::byte* page) {
  const auto dims = static_cast<std::size_t>(layout.head_dim);
  const auto value_dims = static_cast<std::size_t>(layout.value_dims);
  const auto key_dims = static_cast<std::size_t>(4 * layout.key_quads);
  std::byte* const values = page + layout.values_at + cell / 4 * value_dims * 4 + cell % 4;
  for (std::size_t block = 0; block < static_cast<std::size_t>(layout.blocks); ++block) {
    const std::size_t first = block * kKvBlockDims;
    const std::size_t n = std::min<std::size_t>(kKvBlockDims, dims - first);
    const std::size_t scale_at = (block * kKvPagePositions + cell) * 2;
    std::array<std::int8_t, kKvBlockDims> quants{};
    put_u16(page + layout.key_scales_at + scale_at, quantize_block(key + first, n, quants));
    for (std::size_t i = 0; i < kKvBlockDims && first + i < key_dims; ++i) {
      const std::size_t quad = (first + i) / 4;
      page[(quad * kKvPagePositions + cell) * 4 + i % 4] = static_cast<std::byte>(quants[i] + 128);
    }
    quants.fill(0);
    put_u16(page + layout.value_scales_at + scale_at, quantize_block(value + first, n, quants));
    for (std::size_t i = 0; i < kKvBlockDims && first + i < value_dims; ++i) {
      values[(first + i) * 4] = static_cast<std::byte>(quants[i]);
    }
  }
}

void store_kv_each(KvType type, std::int64_t head_dim, const float* key, const float* value,
                   std::int64_t position_in_page, std::byte* page) {
  const KvPageLayout layout = kv_page_layout(type, head_dim);
  const auto cell = static_cast<std::size_t>(position_in_page);
  switch (type) {
    case KvType::kF32:
      return store_floats<4, put_f32>(layout, key, value, cell, page);
    case KvType::kF16:
      return store_floats<2, put_f16>(layout, key, value, cell, page);
    case KvType::kQ8_0:
      return store_q8_0(layout, key, value, cell, page);
  }
}

// Reads one element of a page's keys and values.
template <std::size_t kElemBytes, float (*kGet)(const std::byte*)>
struct FloatPage {
  static float key(const KvPageLayout&, const std::byte* page, std::size_t cell, std::size_t dim) {
    return kGet(page + (dim * kKvPagePositions + cell) * kElemBytes);
  }
  static float value(const KvPageLayout& layout, const std::byte* page, std::size_t cell,
                     std::size_t dim) {
    const auto value_dims = static_cast<std::size_t>(layout.value_dims);
    return kGet(page + layout.values_at + (cell * value_dims + dim) * kElemBytes);
  }
};

struct Q8_0Page {
  static float scale(const std::byte* scales, std::size_t cell, std::size_t dim) {
    return get_f16(scales + (dim / kKvBlockDims * kKvPagePositions + cell) * 2);
  }
  static float key(const KvPageLayout& layout, const std::byte* page, std::size_t cell,
                   std::size_t dim) {
    const auto at = (dim / 4 * kKvPagePositions + cell) * 4 + dim % 4;
    const int quant = std::to_integer<int>(page[at]) - 128;
    return static_cast<float>(quant) * scale(page + layout.key_scales_at, cell, dim);
  }
  static float value(const KvPageLayout& layout, const std::byte* page, std::size_t cell,
                     std::size_t dim) {
    const auto value_dims = static_cast<std::size_t>(layout.value_dims);
    const auto at = layout.values_at + (cell / 4 * value_dims + dim) * 4 + cell % 4;
    const auto quant = static_cast<std::int8_t>(std::to_integer<std::uint8_t>(page[at]));
    return static_cast<float>(quant) * scale(page + layout.value_scales_at, cell, dim);
  }
};

struct Running {
  float top = -std::numeric_limits<float>::infinity();
  float sum = 0.0F;
  std::array<float, kMaxHeadDim> weighted{};
};

template <typename Page>
void attend_page(const AttentionTask& task, const KvPageLayout& layout, const std::byte* page,
                 CellRange cells, const float* query, Running& running) {
  const auto dims = static_cast<std::size_t>(task.head_dim);
  const auto begin = static_cast<std::size_t>(cells.begin);
  const auto end = static_cast<std::size_t>(cells.end);
  std::array<float, kKvPagePositions> scores{};
  float top = running.top;
  for (std::size_t cell = begin; cell < end; ++cell) {
    float score = 0.0F;
    for (std::size_t dim = 0; dim < dims; ++dim) {
      score += query[dim] * Page::key(layout, page, cell, dim);
    }
    score *= task.scale;
    if (task.logit_softcap > 0.0F) {
      score = task.logit_softcap * std::tanh(score / task.logit_softcap);
    }
    scores[cell] = score;
    top = std::max(top, score);
  }
  const float keep = std::exp(running.top - top);
  running.top = top;
  running.sum *= keep;
  for (std::size_t dim = 0; dim < dims; ++dim) running.weighted[dim] *= keep;
  for (std::size_t cell = begin; cell < end; ++cell) {
    const float weight = std::exp(scores[cell] - top);
    running.sum += weight;
    for (std::size_t dim = 0; dim < dims; ++dim) {
      running.weighted[dim] += weight * Page::value(layout, page, cell, dim);
    }
  }
}

template <typename Page>
void attend_each(const AttentionTask& task) {
  const KvPageLayout layout = kv_page_layout(task.type, task.head_dim);
  const auto dims = static_cast<std::size_t>(task.head_dim);
  for (std::int64_t i = 0; i < task.n_queries; ++i) {
    Running running;
    for (std::size_t page = 0; page < task.pages.size(); ++page) {
      const CellRange cells = attended_cells(task, i, static_cast<std::int64_t>(page));
      if (cells.begin >= cells.end) continue;
      attend_page<Page>(task, layout, task.pages[page], cells, task.queries[i], running);
    }
    const float factor = running.sum == 0.0F ? 0.0F : 1.0F / running.sum;
    for (std::size_t dim = 0; dim < dims; ++dim) {
      task.outs[i][dim] = running.weighted[dim] * factor;
    }
  }
}

}  // namespace

void add_attention(KernelTable& table) {
  table.ops.store_kv = store_kv_each;
  set_attend(table, KvType::kF32, attend_each<FloatPage<4, get_f32>>);
  set_attend(table, KvType::kF16, attend_each<FloatPage<2, get_f16>>);
  set_attend(table, KvType::kQ8_0, attend_each<Q8_0Page>);
}

}  // namespace pajamas::generic
