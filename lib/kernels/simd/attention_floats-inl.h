// SPDX-License-Identifier: Apache-2.0
// Pages of F32 and F16 for simd/attention-inl.h. Scores and weighted values are the same small
// matrix product: rows of queries or weights times a page's keys or values.

struct F32Elem {
  static constexpr std::int64_t kBytes = 4;
  PJ_VEC static F get(const std::byte* p) { return load(reinterpret_cast<const float*>(p)); }
};
struct F16Elem {
  static constexpr std::int64_t kBytes = 2;
  PJ_VEC static F get(const std::byte* p) { return load_f16(p); }
};

// sums[q][v] += left[q * kLeftStride + k] * right[k * right_stride + v * kLanes ...] for k in
// order.
template <typename Elem, std::int64_t kLeftStride, int kQ, int kV>
PJ_VEC void add_products(const float* left, const std::byte* right, std::int64_t right_stride,
                         std::int64_t n, F (&sums)[kQ][kV]) {
  for (std::int64_t k = 0; k < n; ++k) {
    F row[kV];
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) row[v] = Elem::get(right + v * kLanes * Elem::kBytes);
    right += right_stride * Elem::kBytes;
#pragma GCC unroll 6
    for (int q = 0; q < kQ; ++q) {
      const F factor = everywhere(left + q * kLeftStride + k);
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) sums[q][v] = fma(factor, row[v], sums[q][v]);
    }
  }
}

template <typename Elem>
struct FloatTiles {
  template <int kQ>
  PJ_VEC static void score(const Block& block, const std::byte* keys, std::int64_t first,
                           Tile& tile) {
    const float* const queries = block.queries + first * kQueryStride;
    for (int cell = 0; cell < kPageCells; cell += kTileCells) {
      F sums[kQ][kTileVectors];
#pragma GCC unroll 6
      for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) sums[q][v] = all<F>(0.0F);
      }
      add_products<Elem, kQueryStride>(queries, keys + cell * Elem::kBytes, kPageCells,
                                       block.layout.head_dim, sums);
#pragma GCC unroll 6
      for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) {
          store(tile.rows[q] + cell + v * kLanes, sums[q][v]);
        }
      }
    }
  }

  template <int kQ, int kV>
  PJ_VEC static void weigh_dims(const Block& block, const std::byte* values, std::int64_t first,
                                std::int64_t dim, const Tile& tile) {
    const std::int64_t stride = block.layout.value_dims;
    float* const to = block.sums + first * stride + dim;
    F sums[kQ][kV];
#pragma GCC unroll 6
    for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) {
        sums[q][v] = load(to + q * stride + v * kLanes) * all<F>(tile.keep[q]);
      }
    }
    add_products<Elem, kPageCells>(tile.rows[0] + tile.begin,
                                   values + (tile.begin * stride + dim) * Elem::kBytes, stride,
                                   tile.end - tile.begin, sums);
#pragma GCC unroll 6
    for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) store(to + q * stride + v * kLanes, sums[q][v]);
    }
  }

  template <int kQ>
  PJ_VEC static void weigh(const Block& block, const std::byte* values, std::int64_t first,
                           const Tile& tile) {
    const std::int64_t dims = block.layout.value_dims;
    std::int64_t dim = 0;
    for (; dim + kTileCells <= dims; dim += kTileCells) {
      weigh_dims<kQ, kTileVectors>(block, values, first, dim, tile);
    }
    if constexpr (kTileVectors == 4) {
      if (dim + 2 * kLanes <= dims) {
        weigh_dims<kQ, 2>(block, values, first, dim, tile);
        dim += 2 * kLanes;
      }
      if (dim < dims) weigh_dims<kQ, 1>(block, values, first, dim, tile);
    }
  }
};

PJ_VEC float copy_query(const KvPageLayout& layout, const float* query, float* row) {
  __builtin_memcpy(row, query, static_cast<std::size_t>(layout.head_dim) * sizeof(float));
  return 1.0F;
}

struct F32Page {
  struct Prepared {
    const std::byte* keys;
    const std::byte* values;
  };
  PJ_VEC static std::int64_t decoded_elems(const KvPageLayout&, std::int64_t) { return 0; }
  PJ_VEC static float take_query(const KvPageLayout& layout, const float* query, float* row) {
    return copy_query(layout, query, row);
  }
  PJ_VEC static Prepared prepare(const Block& block, const std::byte* page,
                                 std::ptrdiff_t /*ahead*/) {
    return {page, page + block.layout.values_at};
  }
  template <int kQ>
  PJ_VEC static void score(const Block& block, const Prepared& page, std::int64_t first,
                           Tile& tile) {
    FloatTiles<F32Elem>::score<kQ>(block, page.keys, first, tile);
  }
  template <int kQ>
  PJ_VEC static void weigh(const Block& block, const Prepared& page, std::int64_t first,
                           const Tile& tile) {
    FloatTiles<F32Elem>::weigh<kQ>(block, page.values, first, tile);
  }
};

// Few queries widen the elements as they read them; many share a page widened once. Widening is
// exact, so both give the same bits.
constexpr std::int64_t kWidenFrom = 3 * kTileQueries;

struct F16Page {
  struct Prepared {
    const std::byte* keys;
    const std::byte* values;
    bool widened;
  };
  PJ_VEC static std::int64_t decoded_elems(const KvPageLayout& layout, std::int64_t queries) {
    return queries < kWidenFrom ? 0 : kPageCells * (layout.head_dim + layout.value_dims);
  }
  PJ_VEC static float take_query(const KvPageLayout& layout, const float* query, float* row) {
    return copy_query(layout, query, row);
  }
  PJ_VEC static Prepared prepare(const Block& block, const std::byte* page,
                                 std::ptrdiff_t /*ahead*/) {
    const KvPageLayout& layout = block.layout;
    if (block.n < kWidenFrom) return {page, page + layout.values_at, false};
    const std::int64_t elems = kPageCells * (layout.head_dim + layout.value_dims);
    for (std::int64_t at = 0; at < elems; at += kLanes) {
      store(block.decoded + at, load_f16(page + at * 2));
    }
    const float* const values = block.decoded + kPageCells * layout.head_dim;
    return {reinterpret_cast<const std::byte*>(block.decoded),
            reinterpret_cast<const std::byte*>(values), true};
  }
  template <int kQ>
  PJ_VEC static void score(const Block& block, const Prepared& page, std::int64_t first,
                           Tile& tile) {
    if (page.widened) return FloatTiles<F32Elem>::score<kQ>(block, page.keys, first, tile);
    FloatTiles<F16Elem>::score<kQ>(block, page.keys, first, tile);
  }
  template <int kQ>
  PJ_VEC static void weigh(const Block& block, const Prepared& page, std::int64_t first,
                           const Tile& tile) {
    if (page.widened) return FloatTiles<F32Elem>::weigh<kQ>(block, page.values, first, tile);
    FloatTiles<F16Elem>::weigh<kQ>(block, page.values, first, tile);
  }
};
