// SPDX-License-Identifier: Apache-2.0
// Pages of Q8_0 for simd/attention-inl.h, in integers: the stored bytes times queries and weights
// of 16 bits, summed exactly in 32 bits, then scaled.
//
// A query becomes integers q = round(x * 32767 / max|x|), one scale for the row. The weights of a
// page and a block of 32 dims, times the values' scales, become round(w * 32767 / max w): an error
// of at most 2^-16 of the page's largest. Sums stay below 2^31: 32 dims * 255 * 32767 (keys hold
// 128 more than they mean; 128 * the sum of the block's q is taken off), 64 cells * 127 * 32767.
// Integers are paired as add_pair_products() takes them, two words for a quad; see pair_up().

constexpr float kQ16Top = 32767.0F;
constexpr float kSmallestWeight = 1e-30F;  // below it 32767 / w overflows, and it weighs nothing

struct Q8Page {
  struct Prepared {
    const std::byte* keys;
    const std::byte* values;
    const float* key_scales;  // (blocks, 64)
    const float* value_scales;
  };

  PJ_VEC static std::int64_t decoded_elems(const KvPageLayout& layout, std::int64_t) {
    return 2 * layout.blocks * kPageCells;
  }

  // Words in the first lanes of each four; after the words, 128 * the sums of the blocks.
  static constexpr std::int64_t kSumsAt = kMaxHeadDim;
  static_assert(kSumsAt + kMaxHeadDim / kKvBlockDims <= kQueryStride);

  PJ_VEC static float take_query(const KvPageLayout& layout, const float* query, float* row) {
    float padded[kMaxHeadDim];
    const std::int64_t dims = layout.value_dims;
    for (std::int64_t dim = 0; dim < dims; dim += kLanes) store(padded + dim, all<F>(0.0F));
    __builtin_memcpy(padded, query, static_cast<std::size_t>(layout.head_dim) * sizeof(float));
    F top = all<F>(0.0F);
    F zeros = all<F>(0.0F);  // NaN when the query has a NaN or an infinity
    for (std::int64_t dim = 0; dim < dims; dim += kLanes) {
      const F x = load(padded + dim);
      top = max_of(abs_of(x), top);
      zeros = fma(x, all<F>(0.0F), zeros);
    }
    const float largest = largest_lane(top);
    const float inverse = largest > kSmallestWeight ? kQ16Top / largest : 0.0F;
    auto* const words = reinterpret_cast<std::int32_t*>(row);
    for (std::int64_t block = 0; block < layout.blocks; ++block) {
      const std::int64_t begin = block * kKvBlockDims;
      const std::int64_t end = begin + kKvBlockDims < dims ? begin + kKvBlockDims : dims;
      F sum = all<F>(0.0F);  // of integers below 2^24: exact
      for (std::int64_t dim = begin; dim < end; dim += kLanes) {
        const F rounded = round_even(load(padded + dim) * all<F>(inverse));
        sum = sum + rounded;
        store_int(words + dim, pair_up(to_int(rounded)));
      }
      const float total = sum_of_lanes(sum);
      words[kSumsAt + block] = total == total ? 128 * static_cast<std::int32_t>(total) : 0;
    }
    return largest / kQ16Top + sum_of_lanes(zeros);
  }

  PJ_VEC static Prepared prepare(const Block& block, const std::byte* page, std::ptrdiff_t ahead) {
    const KvPageLayout& layout = block.layout;
    const std::int64_t scales = 2 * layout.blocks * kPageCells;
    constexpr std::int64_t kLineScales = 32;
    static_assert(kPageCells % kLineScales == 0);
    for (std::int64_t line = 0; line < scales; line += kLineScales) {
      const std::byte* const from = page + layout.key_scales_at + line * 2;
      fetch_ahead<kLineScales * 2>(from, ahead);
      for (std::int64_t at = 0; at < kLineScales; at += kLanes) {
        store(block.decoded + line + at, load_f16(from + at * 2));
      }
    }
    return {page, page + layout.values_at, block.decoded,
            block.decoded + layout.blocks * kPageCells};
  }

  template <int kQ>
  PJ_VEC static void score_cells(const Block& block, const Prepared& page, std::int64_t first,
                                 int cell, Tile& tile) {
    const auto* const words =
        reinterpret_cast<const std::int32_t*>(block.queries + first * kQueryStride);
    for (std::int64_t dims = 0; dims < block.layout.blocks; ++dims) {
      I sums[kQ][kTileVectors];
#pragma GCC unroll 6
      for (int q = 0; q < kQ; ++q) {
        const I start = all<I>(0) - everywhere(words + q * kQueryStride + kSumsAt + dims);
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) sums[q][v] = start;
      }
      const std::int64_t begin = dims * (kKvBlockDims / 4);
      const std::int64_t past = begin + kKvBlockDims / 4;
      const std::int64_t end = past < block.layout.key_quads ? past : block.layout.key_quads;
      for (std::int64_t quad = begin; quad < end; ++quad) {
        const std::byte* const keys = page.keys + (quad * kPageCells + cell) * 4;
        fetch_ahead<kTileCells * 4>(keys, tile.ahead);
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) {
          const I bytes = load_int(keys + v * kLanes * 4);
          const I even = even_bytes(bytes);
          const I odd = odd_bytes(bytes);
#pragma GCC unroll 6
          for (int q = 0; q < kQ; ++q) {
            const std::int32_t* const pair = words + q * kQueryStride + quad * 4;
            sums[q][v] = add_pair_products(sums[q][v], even, everywhere(pair));
            sums[q][v] = add_pair_products(sums[q][v], odd, everywhere(pair + 1));
          }
        }
      }
      const float* const scales = page.key_scales + dims * kPageCells + cell;
#pragma GCC unroll 6
      for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) {
          float* const to = tile.rows[q] + cell + v * kLanes;
          const F before = dims == 0 ? all<F>(0.0F) : load(to);
          store(to, fma(to_float(sums[q][v]), load(scales + v * kLanes), before));
        }
      }
    }
  }

  template <int kQ>
  PJ_VEC static void score(const Block& block, const Prepared& page, std::int64_t first,
                           Tile& tile) {
    for (int cell = 0; cell < kPageCells; cell += kTileCells) {
      score_cells<kQ>(block, page, first, cell, tile);
    }
  }

  // The words of a row's weights times the scales; returns what one step of the integers means.
  PJ_VEC static float take_weights(const float* row, const float* scales, std::int32_t* words) {
    F products[kPageVectors];
    F top = all<F>(0.0F);
#pragma GCC unroll 8
    for (int v = 0; v < kPageVectors; ++v) {
      const F weight = load(row + v * kLanes);
      const F product = weight * load(scales + v * kLanes);
      // A cell without weight may not be written yet; its scale may be anything.
      products[v] = select(weight > all<F>(0.0F), product, all<F>(0.0F));
      top = max_of(products[v], top);
    }
    const float largest = largest_lane(top);
    const F inverse = all<F>(largest > kSmallestWeight ? kQ16Top / largest : 0.0F);
#pragma GCC unroll 8
    for (int v = 0; v < kPageVectors; ++v) {
      const I rounded = to_int(fma(products[v], inverse, all<F>(0.5F)));
      store_int(words + v * kLanes, pair_up(rounded));
    }
    return largest * (1.0F / kQ16Top);
  }

  template <int kQ, int kV>
  PJ_VEC static void weigh_dims(const Block& block, const std::byte* values,
                                std::int64_t quad_bytes, std::int64_t first, std::int64_t dim,
                                const Tile& tile, const std::int32_t (&words)[kQ][kPageCells],
                                const float (&steps)[kQ]) {
    const std::int64_t stride = block.layout.value_dims;
    I sums[kQ][kV];
#pragma GCC unroll 6
    for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) sums[q][v] = all<I>(0);
    }
    for (std::int64_t quad = tile.begin / 4; quad < (tile.end + 3) / 4; ++quad) {
      const std::byte* const at = values + quad * quad_bytes;
      fetch_ahead<kV * kLanes * 4>(at, tile.ahead);
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) {
        const I bytes = load_int(at + v * kLanes * 4);
        const I even = even_signed_bytes(bytes);
        const I odd = odd_signed_bytes(bytes);
#pragma GCC unroll 6
        for (int q = 0; q < kQ; ++q) {
          const std::int32_t* const pair = words[q] + quad * 4;
          sums[q][v] = add_pair_products(sums[q][v], even, everywhere(pair));
          sums[q][v] = add_pair_products(sums[q][v], odd, everywhere(pair + 1));
        }
      }
    }
    float* const to = block.sums + first * stride + dim;
#pragma GCC unroll 6
    for (int q = 0; q < kQ; ++q) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) {
        float* const at = to + q * stride + v * kLanes;
        const F before = load(at) * all<F>(tile.keep[q]);
        store(at, fma(to_float(sums[q][v]), all<F>(steps[q]), before));
      }
    }
  }

  template <int kQ>
  PJ_VEC static void weigh(const Block& block, const Prepared& page, std::int64_t first,
                           const Tile& tile) {
    alignas(64) std::int32_t words[kQ][kPageCells];
    float steps[kQ];
    for (std::int64_t dims = 0; dims < block.layout.blocks; ++dims) {
      const float* const scales = page.value_scales + dims * kPageCells;
      for (int q = 0; q < kQ; ++q) steps[q] = take_weights(tile.rows[q], scales, words[q]);
      std::int64_t dim = dims * kKvBlockDims;
      const std::int64_t past = dim + kKvBlockDims;
      const std::int64_t end = past < block.layout.value_dims ? past : block.layout.value_dims;
      const std::int64_t quad_bytes = (end - dim) * 4;
      const std::byte* values = page.values + kv_value_quad_at(block.layout, dims, 0);
      for (; dim + 2 * kLanes <= end; dim += 2 * kLanes, values += 2 * kLanes * 4) {
        weigh_dims<kQ, 2>(block, values, quad_bytes, first, dim, tile, words, steps);
      }
      if constexpr (kLanes == 16) {
        if (dim < end) {
          weigh_dims<kQ, 1>(block, values, quad_bytes, first, dim, tile, words, steps);
        }
      }
    }
  }
};
