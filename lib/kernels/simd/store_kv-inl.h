// SPDX-License-Identifier: Apache-2.0
// store_kv(): the bytes of generic/attention.cc. A row is tamed and converted in vectors, then its
// elements go to their places one by one.

// A key and a value of one position, padded with zeros.
struct TamedRows {
  alignas(64) float key[kMaxHeadDim];
  alignas(64) float value[kMaxHeadDim];
};

// NaN becomes 0, larger magnitudes become `limit`. `dims`: a multiple of kLanes.
PJ_VEC void tame(const float* from, std::int64_t n, std::int64_t dims, float limit, float* to) {
  for (std::int64_t dim = n / kLanes * kLanes; dim < dims; dim += kLanes) {
    store(to + dim, all<F>(0.0F));
  }
  __builtin_memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
  for (std::int64_t dim = 0; dim < dims; dim += kLanes) {
    const F x = load(to + dim);
    const F limited = max_of(min_of(x, all<F>(limit)), all<F>(-limit));
    store(to + dim, select(x == x, limited, all<F>(0.0F)));
  }
}

template <typename Bits>
PJ_VEC void scatter(const Bits* from, std::int64_t n, std::byte* to, std::int64_t stride_bytes) {
  for (std::int64_t i = 0; i < n; ++i, to += stride_bytes) {
    __builtin_memcpy(to, from + i, sizeof(Bits));
  }
}

PJ_VEC void store_f32(const KvPageLayout& layout, const TamedRows& rows, std::int64_t cell,
                      std::byte* page) {
  scatter(rows.key, layout.head_dim, page + cell * 4, kKvPagePositions * 4);
  __builtin_memcpy(page + layout.values_at + cell * layout.value_dims * 4, rows.value,
                   static_cast<std::size_t>(layout.value_dims) * 4);
}

PJ_VEC void store_f16(const KvPageLayout& layout, const TamedRows& rows, std::int64_t cell,
                      std::byte* page) {
  std::uint16_t halves[kMaxHeadDim];
  std::byte* const values = page + layout.values_at + cell * layout.value_dims * 2;
  for (std::int64_t dim = 0; dim < layout.value_dims; dim += kLanes) {
    store_halves(halves + dim, to_f16_bits(load(rows.key + dim)));
    store_halves(values + dim * 2, to_f16_bits(load(rows.value + dim)));
  }
  scatter(halves, layout.head_dim, page + cell * 2, kKvPagePositions * 2);
}

// A block of up to 32 dims (padded) as 32-bit integers -127 .. 127; returns the F16 scale.
PJ_VEC std::uint16_t quantize_lanes(const float* x, std::int64_t dims, std::int32_t* out) {
  F top = all<F>(0.0F);
  for (std::int64_t dim = 0; dim < dims; dim += kLanes) top = max_of(abs_of(load(x + dim)), top);
  const std::uint16_t bits = f32_to_f16(largest_lane(top) / 127.0F);
  const float scale = f16_to_f32(bits);
  const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
  for (std::int64_t dim = 0; dim < dims; dim += kLanes) {
    const F rounded = round_even(load(x + dim) * all<F>(inverse));
    const F limited = max_of(min_of(rounded, all<F>(127.0F)), all<F>(-127.0F));
    store_int(out + dim, to_int(limited));
  }
  return bits;
}

PJ_VEC void store_q8(const KvPageLayout& layout, const TamedRows& rows, std::int64_t cell,
                     std::byte* page) {
  for (std::int64_t block = 0; block < layout.blocks; ++block) {
    const std::int64_t first = block * kKvBlockDims;
    const std::int64_t left = layout.value_dims - first;
    const std::int64_t dims = left < kKvBlockDims ? left : kKvBlockDims;
    const std::int64_t scale_at = (block * kKvPagePositions + cell) * 2;
    std::int32_t quants[kKvBlockDims];
    std::uint16_t scale = quantize_lanes(rows.key + first, dims, quants);
    __builtin_memcpy(page + layout.key_scales_at + scale_at, &scale, sizeof(scale));
    for (std::int64_t dim = 0; dim < dims && first + dim < 4 * layout.key_quads; dim += 4) {
      std::byte quad[4];
      for (int i = 0; i < 4; ++i) quad[i] = static_cast<std::byte>(quants[dim + i] + 128);
      std::byte* const to = page + ((first + dim) / 4 * kKvPagePositions + cell) * 4;
      __builtin_memcpy(to, quad, sizeof(quad));
    }
    scale = quantize_lanes(rows.value + first, dims, quants);
    __builtin_memcpy(page + layout.value_scales_at + scale_at, &scale, sizeof(scale));
    std::byte* const values =
        page + layout.values_at + kv_value_quad_at(layout, block, cell / 4) + cell % 4;
    for (std::int64_t dim = 0; dim < dims; ++dim) {
      values[dim * 4] = static_cast<std::byte>(quants[dim]);
    }
  }
}

void store_kv_lanes(KvType type, std::int64_t head_dim, const float* key, const float* value,
                    std::int64_t position_in_page, std::byte* page) {
  const KvPageLayout layout = kv_page_layout(type, head_dim);
  const float limit = type == KvType::kF32   ? 3.402823466e38F
                      : type == KvType::kF16 ? 65504.0F
                                             : 127.0F * 65504.0F;
  TamedRows rows;
  tame(key, head_dim, layout.value_dims, limit, rows.key);
  tame(value, head_dim, layout.value_dims, limit, rows.value);
  switch (type) {
    case KvType::kF32:
      return store_f32(layout, rows, position_in_page, page);
    case KvType::kF16:
      return store_f16(layout, rows, position_in_page, page);
    case KvType::kQ8_0:
      return store_q8(layout, rows, position_in_page, page);
  }
}
