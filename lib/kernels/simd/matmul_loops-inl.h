// SPDX-License-Identifier: Apache-2.0
// The loops around the products: which rows, tokens and columns are at work together.
//
// Included inside a target region and the namespace of the instruction set. Activations are records
// of 64 bytes, so many columns as the form has in them. A few tokens go straight through the packed
// rows, which the processor fetches ahead by itself (fetching by hand measures slower). More go in
// blocks of kBlockTiles tiles and spans of kSpanRecords records, whose activations are interleaved
// once and stay in the second-level cache. Then for each group of rows, piece by piece, the weights
// are loaded into the first-level cache and multiplied with every tile.
//
// `Work` is how a type does that, see CodesWork and FloatsWork.

constexpr int kBlockTiles = 8;
constexpr int kSpanRecords = 64;
constexpr int kPieceRecords = 16;
constexpr int kBlockTokens = kBlockTiles * kTileTokens;
constexpr int kRecordWords = 16;
static_assert(kBlockTokens * kSpanRecords * 64 + 64 <= kMatmulScratchBytes);

// Tokens of a tile: kTileTokens, fewer when no more are left, in steps that the kernels exist for.
constexpr int kThird = kTileTokens / 3;
PJ_VEC int tile_width(std::int64_t tokens_left) {
  if (tokens_left > 2 * kThird) return kTileTokens;
  return tokens_left > kThird ? 2 * kThird : kThird;
}

// The kept words of a tile's records, token by token. Tokens that the tile lacks are zeros.
template <typename Work, int kWidth>
PJ_VEC void interleave_tile(const std::byte* x, std::int64_t row_bytes, int n_tokens, int n_records,
                            std::int32_t* out) {
  alignas(64) static constexpr std::byte kNoToken[64] = {};
  for (int record = 0; record < n_records; ++record) {
    const std::byte* rows[kWidth];
    for (int token = 0; token < kWidth; ++token) {
      rows[token] = token < n_tokens ? x + token * row_bytes + 64 * record : kNoToken;
    }
    interleave_record<Work::kKeptWords, Work::kFirstExtraWord, Work::kExtraWords, kWidth>(rows,
                                                                                          out);
    out += Work::kWords * kWidth;
  }
}

// A tile's words begin kTileWords after those of the one before.
template <typename Work>
constexpr int kTileWords = kSpanRecords * Work::kWords * kTileTokens;

template <typename Work>
void interleave(const std::byte* x, std::int64_t row_bytes, std::int64_t n_tokens, int n_records,
                std::int32_t* out) {
  for (std::int64_t token = 0; token < n_tokens; token += kTileTokens) {
    const int n = static_cast<int>(std::min<std::int64_t>(kTileTokens, n_tokens - token));
    const std::byte* const rows = x + token * row_bytes;
    switch (tile_width(n)) {
      case kTileTokens:
        interleave_tile<Work, kTileTokens>(rows, row_bytes, n, n_records, out);
        break;
      case 2 * kThird:
        interleave_tile<Work, 2 * kThird>(rows, row_bytes, n, n_records, out);
        break;
      default:
        interleave_tile<Work, kThird>(rows, row_bytes, n, n_records, out);
    }
    out += kTileWords<Work>;
  }
}

PJ_VEC int rows_from(const MatmulTask& task, std::int64_t row) {
  return static_cast<int>(std::clamp<std::int64_t>(task.row_end - row, 0, kLanes));
}

template <typename Work>
void multiply_one(const MatmulTask& task, std::int64_t group_bytes) {
  const auto n_records = static_cast<int>(task.activation_bytes / 64);
  const auto* const x = reinterpret_cast<const std::int32_t*>(task.activations);
  for (std::int64_t row = task.row_begin; row < task.row_end; row += kGroupRows) {
    const std::byte* const group = task.groups + row / kGroupRows * group_bytes;
    for (int lane = 0; lane < kGroupRows && rows_from(task, row + lane) > 0; lane += kLanes) {
      F sums[1] = {splat_float(0.0F)};
      Work::add_one(group, 0, n_records, lane, x, sums);
      store_first(task.out + row + lane, sums[0], rows_from(task, row + lane));
    }
  }
}

// At most kTokens tokens.
template <typename Work, int kTokens>
void multiply_few(const MatmulTask& task, std::int64_t group_bytes) {
  auto* const tile = reinterpret_cast<std::int32_t*>(matmul_scratch());
  const std::int64_t n_records = task.activation_bytes / 64;
  const auto n_tokens = static_cast<int>(task.tokens);
  for (std::int64_t first = 0; first < n_records; first += kSpanRecords) {
    const int n_span = static_cast<int>(std::min<std::int64_t>(kSpanRecords, n_records - first));
    interleave_tile<Work, kTokens>(task.activations + 64 * first, task.activation_bytes, n_tokens,
                                   n_span, tile);
    for (std::int64_t row = task.row_begin; row < task.row_end; row += kGroupRows) {
      const std::byte* const group = task.groups + row / kGroupRows * group_bytes;
      for (int lane = 0; lane < kGroupRows && rows_from(task, row + lane) > 0; lane += kLanes) {
        const int n_rows = rows_from(task, row + lane);
        float* const out = task.out + row + lane;
        F sums[kTokens];
        repeat<kTokens>([&](auto token) PJ_BODY {
          sums[token] = first == 0 || token >= n_tokens
                            ? splat_float(0.0F)
                            : load_first(out + token * task.out_stride, n_rows);
        });
        Work::template add_few<kTokens>(group, first, n_span, lane, tile, sums);
        repeat<kTokens>([&](auto token) PJ_BODY {
          if (token < n_tokens) store_first(out + token * task.out_stride, sums[token], n_rows);
        });
      }
    }
  }
}

// Tokens [first_token, first_token + n_tokens) of a span, and where their sums are.
struct Block {
  std::int64_t first_token;
  std::int64_t n_tokens;
  const std::int32_t* tiles;
  alignas(64) float sums[kBlockTokens * kGroupRows];
};

PJ_VEC void load_sums(const MatmulTask& task, std::int64_t row, bool starts, Block& block) {
  for (std::int64_t token = 0; token < block.n_tokens; ++token) {
    const float* const out = task.out + (block.first_token + token) * task.out_stride + row;
    for (int lane = 0; lane < kGroupRows; lane += kLanes) {
      const int n_rows = rows_from(task, row + lane);
      const F sum = starts || n_rows == 0 ? splat_float(0.0F) : load_first(out + lane, n_rows);
      store(block.sums + token * kGroupRows + lane, sum);
    }
  }
}

PJ_VEC void store_sums(const MatmulTask& task, std::int64_t row, const Block& block) {
  for (std::int64_t token = 0; token < block.n_tokens; ++token) {
    float* const out = task.out + (block.first_token + token) * task.out_stride + row;
    for (int lane = 0; lane < kGroupRows && rows_from(task, row + lane) > 0; lane += kLanes) {
      store_first(out + lane, load(block.sums + token * kGroupRows + lane),
                  rows_from(task, row + lane));
    }
  }
}

// A piece of a group times all tiles; `first` is its first record in the span. Meanwhile the next
// piece is fetched: it follows in memory.
template <typename Work>
PJ_VEC void multiply_piece(const typename Work::Piece& piece, int first, int n_records,
                           const std::byte* next, std::int64_t next_bytes, Block& block) {
  const std::int32_t* tile = block.tiles;
  float* sums = block.sums;
  const std::int64_t n_tiles = (block.n_tokens + kTileTokens - 1) / kTileTokens;
  const std::int64_t fetch_bytes = (next_bytes / n_tiles + 63) / 64 * 64;
  for (std::int64_t token = 0; token < block.n_tokens; token += kTileTokens) {
    for (std::int64_t line = 0; line < fetch_bytes; line += 64) prefetch(next + line);
    next += fetch_bytes;
    const int width = tile_width(block.n_tokens - token);
    const std::int32_t* const x = tile + first * Work::kWords * width;
    for (int lane = 0; lane < kGroupRows; lane += kLanes) {
      if (width == kTileTokens) {
        Work::template add_tile<kTileTokens>(piece, n_records, lane, x, sums + lane);
      } else if (width == 2 * kThird) {
        Work::template add_tile<2 * kThird>(piece, n_records, lane, x, sums + lane);
      } else {
        Work::template add_tile<kThird>(piece, n_records, lane, x, sums + lane);
      }
    }
    tile += kTileWords<Work>;
    sums += kTileTokens * kGroupRows;
  }
}

template <typename Work>
void multiply_span(const MatmulTask& task, std::int64_t group_bytes, std::int64_t first_record,
                   int n_span, Block& block) {
  typename Work::Piece piece;
  for (std::int64_t row = task.row_begin; row < task.row_end; row += kGroupRows) {
    const std::byte* const group = task.groups + row / kGroupRows * group_bytes;
    load_sums(task, row, first_record == 0, block);
    for (int first = 0; first < n_span; first += kPieceRecords) {
      const int n = std::min(kPieceRecords, n_span - first);
      Work::load_piece(group, first_record + first, n, piece);
      const std::int64_t end = Work::offset_of(first_record + first + kPieceRecords);
      const std::int64_t bytes = end - Work::offset_of(first_record + first);
      multiply_piece<Work>(piece, first, n, group + end, bytes, block);
    }
    store_sums(task, row, block);
  }
}

template <typename Work>
void multiply(const MatmulTask& task) {
  const std::int64_t n_records = task.activation_bytes / 64;
  const auto group_bytes = static_cast<std::int64_t>(Work::group_bytes(task.dtype, task.cols));
  if (task.tokens == 1) return multiply_one<Work>(task, group_bytes);
  if (task.tokens <= kThird) return multiply_few<Work, kThird>(task, group_bytes);
  if (task.tokens <= 2 * kThird) return multiply_few<Work, 2 * kThird>(task, group_bytes);
  auto* const tiles = reinterpret_cast<std::int32_t*>(matmul_scratch());
  Block block;
  block.tiles = tiles;
  for (std::int64_t token = 0; token < task.tokens; token += kBlockTokens) {
    block.first_token = token;
    block.n_tokens = std::min<std::int64_t>(kBlockTokens, task.tokens - token);
    for (std::int64_t record = 0; record < n_records; record += kSpanRecords) {
      const int n_span = static_cast<int>(std::min<std::int64_t>(kSpanRecords, n_records - record));
      interleave<Work>(task.activations + token * task.activation_bytes + 64 * record,
                       task.activation_bytes, block.n_tokens, n_span, tiles);
      multiply_span<Work>(task, group_bytes, record, n_span, block);
    }
  }
}
