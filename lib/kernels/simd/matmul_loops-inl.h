// SPDX-License-Identifier: Apache-2.0
// The loops around the tiles: which rows, tokens and columns are at work together.
//
// Included inside a target region and the namespace of the instruction set. One token goes straight
// through the packed rows. More tokens go in blocks of kBlockTiles tiles: for each piece of columns
// their activations are interleaved once, small enough for the second-level cache; then each group
// of rows is widened once to bytes, small enough for the first-level cache, and multiplied with
// every tile. Sums wait in `out` from one piece to the next.

constexpr int kBlockTiles = 8;
constexpr int kTileWords = kPieceBlocks * kBlockWords * kTileTokens;

// Tokens of a tile: kTileTokens, fewer when no more are left, in steps that the kernels exist for.
PJ_VEC int tile_width(std::int64_t tokens_left) {
  if (tokens_left > 2 * kTileTokens / 3) return kTileTokens;
  return tokens_left > kTileTokens / 3 ? 2 * kTileTokens / 3 : kTileTokens / 3;
}

// Words of 64-byte records, token by token: out[word * width + token]. Tokens that a tile lacks
// are zeros.
template <int kWidth>
PJ_VEC void interleave_tile(const std::byte* x, std::int64_t row_bytes, int n_tokens, int n_records,
                            std::int32_t* out) {
  for (int token = 0; token < kWidth; ++token) {
    const std::byte* const row = x + (token < n_tokens ? token : 0) * row_bytes;
    for (int word = 0; word < n_records * kBlockWords; ++word) {
      std::int32_t value = 0;
      if (token < n_tokens) std::memcpy(&value, row + 4 * word, 4);
      out[word * kWidth + token] = value;
    }
  }
}

PJ_VEC void interleave(const std::byte* x, std::int64_t row_bytes, std::int64_t tokens,
                       int n_records, std::int32_t* out) {
  for (std::int64_t token = 0; token < tokens; token += kTileTokens) {
    const int n = static_cast<int>(std::min<std::int64_t>(kTileTokens, tokens - token));
    const std::byte* const rows = x + token * row_bytes;
    switch (tile_width(n)) {
      case kTileTokens:
        interleave_tile<kTileTokens>(rows, row_bytes, n, n_records, out);
        break;
      case 2 * kTileTokens / 3:
        interleave_tile<2 * kTileTokens / 3>(rows, row_bytes, n, n_records, out);
        break;
      default:
        interleave_tile<kTileTokens / 3>(rows, row_bytes, n, n_records, out);
    }
    out += kTileWords;
  }
}

template <typename Type>
void multiply_one_token(const MatmulTask& task, const std::byte* x, float* out) {
  const auto group_bytes = static_cast<std::int64_t>(packed_group_bytes(task.dtype, task.cols));
  for (std::int64_t row = task.row_begin; row < task.row_end; row += kGroupRows) {
    for (int lane = 0; lane < kGroupRows; lane += kLanes) {
      const auto n_rows =
          static_cast<int>(std::clamp<std::int64_t>(task.row_end - row - lane, 0, kLanes));
      if (n_rows == 0) break;
      const F sums =
          multiply_one<Type>(task.groups + row / kGroupRows * group_bytes, task.cols, lane, x);
      store_first(out + row + lane, sums, n_rows);
    }
  }
}

// A piece of a group, times the tiles of a block of tokens.
template <typename Type>
PJ_VEC void multiply_piece(const MatmulTask& task, const Piece& piece, int n_blocks,
                           const std::int32_t* tiles, std::int64_t first_token,
                           std::int64_t n_tokens, std::int64_t row, bool starts) {
  constexpr bool kAffine = Type::kAffine;
  constexpr int kCols = Type::kGroupCols;
  for (std::int64_t token = 0; token < n_tokens; token += kTileTokens) {
    const int n = static_cast<int>(std::min<std::int64_t>(kTileTokens, n_tokens - token));
    for (int lane = 0; lane < kGroupRows; lane += kLanes) {
      const auto n_rows =
          static_cast<int>(std::clamp<std::int64_t>(task.row_end - row - lane, 0, kLanes));
      if (n_rows == 0) break;
      float* const out = task.out + (first_token + token) * task.out_stride + row + lane;
      switch (tile_width(n)) {
        case kTileTokens:
          add_tile<kAffine, kCols, kTileTokens>(piece, n_blocks, lane, tiles, out, task.out_stride,
                                                n, n_rows, starts);
          break;
        case 2 * kTileTokens / 3:
          add_tile<kAffine, kCols, 2 * kTileTokens / 3>(piece, n_blocks, lane, tiles, out,
                                                        task.out_stride, n, n_rows, starts);
          break;
        default:
          add_tile<kAffine, kCols, kTileTokens / 3>(piece, n_blocks, lane, tiles, out,
                                                    task.out_stride, n, n_rows, starts);
      }
    }
    tiles += kTileWords;
  }
}

template <typename Type>
void multiply_tokens(const MatmulTask& task, std::int64_t first_token, std::int64_t n_tokens) {
  alignas(64) std::int32_t tiles[kBlockTiles * kTileWords];
  Piece piece;
  const auto group_bytes = static_cast<std::int64_t>(packed_group_bytes(task.dtype, task.cols));
  const std::byte* const x = task.activations + first_token * task.activation_bytes;
  std::int64_t col_bytes = 0;  // of a group, up to this piece
  for (std::int64_t col = 0; col < task.cols; col += kPieceCols) {
    const int n_blocks = static_cast<int>(std::min<std::int64_t>(kPieceCols, task.cols - col) / 32);
    interleave(x + col / 32 * static_cast<std::int64_t>(sizeof(ActivationBlock)),
               task.activation_bytes, n_tokens, n_blocks, tiles);
    for (std::int64_t row = task.row_begin; row < task.row_end; row += kGroupRows) {
      const std::byte* chunk = task.groups + row / kGroupRows * group_bytes + col_bytes;
      for (int block = 0; block < n_blocks; block += kChunkBlocks) {
        const int n = std::min(kChunkBlocks, n_blocks - block);
        expand_chunk<Type>(chunk, n, block, piece);
        chunk += Type::kForm.chunk_bytes(n);
      }
      multiply_piece<Type>(task, piece, n_blocks, tiles, first_token, n_tokens, row, col == 0);
    }
    for (int block = 0; block < n_blocks; block += kChunkBlocks) {
      col_bytes += Type::kForm.chunk_bytes(std::min(kChunkBlocks, n_blocks - block));
    }
  }
}

template <typename Type>
void multiply_codes(const MatmulTask& task) {
  if (task.tokens == 1) return multiply_one_token<Type>(task, task.activations, task.out);
  if (task.cols == 0) return multiply_one_token<Type>(task, task.activations, task.out);
  constexpr std::int64_t kBlockTokens = kBlockTiles * kTileTokens;
  for (std::int64_t token = 0; token < task.tokens; token += kBlockTokens) {
    multiply_tokens<Type>(task, token, std::min(kBlockTokens, task.tokens - token));
  }
}

template <typename Type>
constexpr MatmulKernel kCodesKernel{.form = ActivationForm::kQ8,
                                    .group_bytes = packed_group_bytes,
                                    .pack_group = pack_group,
                                    .multiply = multiply_codes<Type>,
                                    .unpack_row = unpack_row};
