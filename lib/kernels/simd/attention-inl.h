// SPDX-License-Identifier: Apache-2.0
// attend() for every page type: blocks of queries walk the pages together, tile by tile.
//
// A block of up to kBlockQueries queries reads a page once; inside, tiles of up to kTileQueries
// keep their scores or sums in registers. Every sum has one order that depends on the query's own
// cells alone: a tile-mate's cells add exact zeros. What a type of page needs is in its struct:
//   Prepared prepare(...)   what a block of queries shares of a page
//   score<n>(...)           scores[query][cell] of all 64 cells, without the factor of the query
//   weigh<n>(...)           sums[query] = sums[query] * keep[query] + weights[query] * values

constexpr int kPageCells = static_cast<int>(kKvPagePositions);
constexpr int kPageVectors = kPageCells / kLanes;
constexpr int kTileQueries = 6;  // times kTileVectors: sums that fit into the registers
constexpr int kTileVectors = kLanes == 16 ? 4 : 2;
constexpr int kTileCells = kTileVectors * kLanes;
constexpr int kBlockQueries = 96;  // bounds the scratch memory
constexpr std::int64_t kQueryStride =
    kMaxHeadDim + 16;  // not a power of two: spreads over the cache

// The state of a block of queries. Buffers are rows per query.
struct Block {
  const AttentionTask* task;
  KvPageLayout layout;
  std::int64_t first;  // of the task's queries
  std::int64_t n;
  float* queries;  // (n, kQueryStride); Q8_0: pairs of 16-bit integers
  float* factors;  // (n) of the dot products
  float* tops;     // (n) the largest score so far
  float* totals;   // (n, kLanes) sums of the weights, lane by lane
  float* sums;     // (n, value_dims) of the weighted values
  float* decoded;  // a page's F32 form, where the type has one
};

// Scores and weights of a tile. Rows are cells of one query.
struct Tile {
  alignas(64) float rows[kTileQueries][kPageCells];
  float keep[kTileQueries];
  CellRange cells[kTileQueries];
  std::int64_t begin;  // the cells that any query attends
  std::int64_t end;
  std::ptrdiff_t ahead;  // in bytes, to the next page
};

// Turns one row of dot products into weights exp(score - top) and moves the running maximum.
template <bool kFull>
PJ_VEC void weigh_row(float* row, CellRange cells, float factor, float softcap, float* top,
                      float* totals, float* keep) {
  const F lowest = all<F>(-__builtin_inff());
  const F factors = all<F>(factor);
  const I lanes = lane_numbers();
  const I begin = all<I>(static_cast<int>(cells.begin) - 1);
  const I end = all<I>(static_cast<int>(cells.end));
  const auto attended = [&](int v) {
    const I cell = lanes + all<I>(v * kLanes);
    return (cell > begin) & (end > cell);
  };
  F scores[kPageVectors];
  F best = lowest;
#pragma GCC unroll 8
  for (int v = 0; v < kPageVectors; ++v) {
    F score = load(row + v * kLanes) * factors;
    if (softcap > 0.0F) score = all<F>(softcap) * tanh_of(score / all<F>(softcap));
    if constexpr (!kFull) score = select(attended(v), score, lowest);
    scores[v] = score;
    best = max_of(score, best);  // NaN: keeps best
  }
  const F old_top = all<F>(*top);
  const F new_top = max_of(all<F>(largest_lane(best)), old_top);
  const F kept = exp_of(old_top - new_top);
  F total = load(totals) * kept;
#pragma GCC unroll 8
  for (int v = 0; v < kPageVectors; ++v) {
    F weight = exp_of(scores[v] - new_top);
    if constexpr (!kFull) weight = select(attended(v), weight, all<F>(0.0F));
    store(row + v * kLanes, weight);
    total = total + weight;
  }
  store(totals, total);
  *top = first_lane(new_top);
  *keep = first_lane(kept);
}

PJ_VEC void weigh_rows(const Block& block, std::int64_t first, int n, Tile& tile) {
  const float softcap = block.task->logit_softcap;
  for (int q = 0; q < n; ++q) {
    const std::int64_t query = first + q;
    const CellRange cells = tile.cells[q];
    float* const row = tile.rows[q];
    float* const top = block.tops + query;
    float* const totals = block.totals + query * kLanes;
    if (cells.begin == 0 && cells.end == kPageCells) {
      weigh_row<true>(row, cells, block.factors[query], softcap, top, totals, tile.keep + q);
    } else if (cells.begin < cells.end) {
      weigh_row<false>(row, cells, block.factors[query], softcap, top, totals, tile.keep + q);
    } else {
      for (int v = 0; v < kPageVectors; ++v) store(row + v * kLanes, all<F>(0.0F));
      tile.keep[q] = 1.0F;
    }
  }
}

template <typename Page, int kQ>
void attend_tile(const Block& block, const typename Page::Prepared& page, std::int64_t first,
                 Tile& tile) {
  Page::template score<kQ>(block, page, first, tile);
  weigh_rows(block, first, kQ, tile);
  Page::template weigh<kQ>(block, page, first, tile);
}

// Fills in which cells the tile's queries attend; false when none.
PJ_VEC bool find_cells(const Block& block, std::int64_t page, std::int64_t first, int n,
                       Tile& tile) {
  tile.begin = kPageCells;
  tile.end = 0;
  for (int q = 0; q < n; ++q) {
    const CellRange cells = attended_cells(*block.task, block.first + first + q, page);
    tile.cells[q] = cells;
    if (cells.begin >= cells.end) continue;
    tile.begin = cells.begin < tile.begin ? cells.begin : tile.begin;
    tile.end = cells.end > tile.end ? cells.end : tile.end;
  }
  return tile.begin < tile.end;
}

// Few queries wait for memory, not for arithmetic. Distance from a page to the next one, 0 when it
// need not be fetched ahead. Q8_0 gains by it; hardware alone does better on the longer rows of
// floats.
PJ_VEC std::ptrdiff_t distance_ahead(const Block& block, std::int64_t page) {
  const auto n_pages = static_cast<std::int64_t>(block.task->pages.size());
  if (block.n > kTileQueries || page + 1 >= n_pages) return 0;
  const std::byte* const* const pages = block.task->pages.data();
  return pages[page] == nullptr || pages[page + 1] == nullptr ? 0 : pages[page + 1] - pages[page];
}

// Fetches what will be read in the next page at this place: whole cache lines, spread over the
// work.
template <std::int64_t kBytes>
PJ_VEC void fetch_ahead(const std::byte* at, std::ptrdiff_t ahead) {
  if (ahead == 0) return;
#pragma GCC unroll 4
  for (std::int64_t line = 0; line < kBytes; line += 64)
    __builtin_prefetch(at + ahead + line, 0, 3);
}

template <typename Page>
PJ_VEC void attend_page(const Block& block, std::int64_t page) {
  using TileFn = void (*)(const Block&, const typename Page::Prepared&, std::int64_t, Tile&);
  static constexpr TileFn kTiles[kTileQueries] = {attend_tile<Page, 1>, attend_tile<Page, 2>,
                                                  attend_tile<Page, 3>, attend_tile<Page, 4>,
                                                  attend_tile<Page, 5>, attend_tile<Page, 6>};
  Tile tile;
  typename Page::Prepared prepared;
  bool is_prepared = false;
  for (std::int64_t first = 0; first < block.n; first += kTileQueries) {
    const std::int64_t left = block.n - first;
    const int n = left < kTileQueries ? static_cast<int>(left) : kTileQueries;
    if (!find_cells(block, page, first, n, tile)) continue;
    if (!is_prepared) {
      tile.ahead = distance_ahead(block, page);
      prepared = Page::prepare(block, block.task->pages.data()[page], tile.ahead);
      is_prepared = true;
    }
    kTiles[n - 1](block, prepared, first, tile);
  }
}

// A result of -0 and one of 0 differ by what tile-mates added; adding 0 makes both 0.
PJ_VEC void finish(const Block& block, std::int64_t query) {
  const float total = sum_of_lanes(load(block.totals + query * kLanes));
  const F factor = all<F>(total == 0.0F ? 0.0F : 1.0F / total);
  float* const sums = block.sums + query * block.layout.value_dims;
  for (std::int64_t dim = 0; dim < block.layout.value_dims; dim += kLanes) {
    store(sums + dim, fma(load(sums + dim), factor, all<F>(0.0F)));
  }
  __builtin_memcpy(block.task->outs[block.first + query], sums,
                   static_cast<std::size_t>(block.task->head_dim) * sizeof(float));
}

template <typename Page>
PJ_VEC void attend_block(Block& block) {
  const std::int64_t value_dims = block.layout.value_dims;
  for (std::int64_t query = 0; query < block.n; ++query) {
    block.tops[query] = -__builtin_inff();
    store(block.totals + query * kLanes, all<F>(0.0F));
    for (std::int64_t dim = 0; dim < value_dims; dim += kLanes) {
      store(block.sums + query * value_dims + dim, all<F>(0.0F));
    }
    float* const row = block.queries + query * kQueryStride;
    const float* const from = block.task->queries[block.first + query];
    block.factors[query] = block.task->scale * Page::take_query(block.layout, from, row);
  }
  const auto n_pages = static_cast<std::int64_t>(block.task->pages.size());
  for (std::int64_t page = 0; page < n_pages; ++page) attend_page<Page>(block, page);
  for (std::int64_t query = 0; query < block.n; ++query) finish(block, query);
}

template <typename Page>
void attend_lanes(const AttentionTask& task) {
  Block block{};
  block.task = &task;
  block.layout = kv_page_layout(task.type, task.head_dim);
  const std::int64_t most = task.n_queries < kBlockQueries ? task.n_queries : kBlockQueries;
  const std::int64_t value_dims = block.layout.value_dims;
  const std::int64_t decoded = Page::decoded_elems(block.layout, most);
  AttentionScratch scratch(most * (kQueryStride + value_dims + kLanes + 2) + decoded, 6);
  block.queries = scratch.take(most * kQueryStride);
  block.factors = scratch.take(most);
  block.tops = scratch.take(most);
  block.totals = scratch.take(most * kLanes);
  block.sums = scratch.take(most * value_dims);
  block.decoded = scratch.take(decoded);
  for (block.first = 0; block.first < task.n_queries; block.first += kBlockQueries) {
    const std::int64_t left = task.n_queries - block.first;
    block.n = left < kBlockQueries ? left : kBlockQueries;
    attend_block<Page>(block);
  }
}
