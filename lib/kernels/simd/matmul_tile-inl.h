// SPDX-License-Identifier: Apache-2.0
// kLanes rows times a tile of tokens, block by block of 32 columns.
//
// Included inside a target region and the namespace of the instruction set. The order of sums of a
// row and token: integers exactly inside a group of columns, then per group of columns
//   sum = fma(dot, scale, sum), then sum = fma(sum of activations, offset, sum) for affine types.
// It does not depend on the tile, so any number of tokens gives the same bits.

// Codes that are widened to a byte already, as expand_chunk() leaves them.
template <bool kIsAffine, int kCols>
struct Bytes {
  static constexpr bool kAffine = kIsAffine;
  static constexpr int kGroupCols = kCols;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return load_aligned(planes + (8 * block + kAt) * kVectorBytes);
  }
};

// x: words of the tile's activations, token by token: word * kTokens + token.
template <typename Type, int kTokens>
PJ_VEC void add_block(const std::byte* planes, int block, const float* scales, const float* offsets,
                      const std::int32_t* x, F (&sums)[kTokens]) {
  constexpr int kParts = 32 / Type::kGroupCols;
  constexpr int kVectors = 8 / kParts;
  constexpr bool kBiased = kStartsBiased && !Type::kAffine;
  constexpr int kStart = !kBiased      ? kBaseWord
                         : kParts == 1 ? kBiasedStartWord
                                       : kHalfBiasedStartWord;
  constexpr int kSum = kParts == 1 ? kSumWord : kHalfSumWord;
  repeat<kParts>([&](auto part) PJ_BODY {
    I dots[kTokens];
    repeat<kTokens>([&](auto token) PJ_BODY {
      dots[token] = broadcast(x + (kStart + (kBiased ? part : 0)) * kTokens + token);
    });
    repeat<kVectors>([&](auto at) PJ_BODY {
      constexpr int kAt = part * kVectors + at;
      const auto codes = codes_of<Type::kAffine>(Type::template codes<kAt>(planes, block));
      repeat<kTokens>([&](auto token) PJ_BODY {
        dots[token] = add_dot(dots[token], codes, x + kAt * kTokens + token);
      });
    });
    const F scale = load(scales + part * kGroupRows);
    repeat<kTokens>([&](auto token) PJ_BODY {
      const F base = from_bits(broadcast(x + kBaseWord * kTokens + token));
      sums[token] = fma(from_bits(dots[token]) - base, scale, sums[token]);
    });
    if constexpr (Type::kAffine) {
      const F offset = load(offsets + part * kGroupRows);
      repeat<kTokens>([&](auto token) PJ_BODY {
        const F sum = from_bits(broadcast(x + (kSum + part) * kTokens + token));
        sums[token] = fma(sum, offset, sums[token]);
      });
    }
  });
}

// The heads of a chunk of a type, for one lane range.
struct ChunkScales {
  alignas(64) float scales[2 * kChunkBlocks * kGroupRows];
  alignas(64) float offsets[2 * kChunkBlocks * kGroupRows];
};
template <typename Type>
constexpr int kGroupFloats = 32 / Type::kGroupCols * kGroupRows;  // scales of a block

// One token times the rows of a group from `lane` on, over all columns.
template <typename Type>
PJ_VEC F multiply_one(const std::byte* group, std::int64_t cols, int lane, const std::byte* x) {
  F sums[1] = {splat_float(0.0F)};
  ChunkScales heads;
  for (std::int64_t col = 0; col < cols; col += kChunkCols) {
    const int n_blocks = static_cast<int>(std::min<std::int64_t>(kChunkCols, cols - col) / 32);
    const int bytes = Type::kForm.chunk_bytes(n_blocks);
    for (int line = 0; line < bytes; line += kVectorBytes) prefetch(group + kPrefetchBytes + line);
    Type::heads(group, n_blocks, lane, heads.scales + lane, heads.offsets + lane);
    const std::byte* const planes = group + Type::kForm.head_bytes(n_blocks) + 4 * lane;
    for (int block = 0; block < n_blocks; ++block) {
      add_block<Type, 1>(planes, block, heads.scales + lane + kGroupFloats<Type> * block,
                         heads.offsets + lane + kGroupFloats<Type> * block,
                         reinterpret_cast<const std::int32_t*>(x), sums);
      x += sizeof(ActivationBlock);
    }
    group += bytes;
  }
  return sums[0];
}

// What several tiles of tokens share: some chunks of a group, codes widened to bytes.
constexpr int kPieceBlocks = 16;
constexpr int kPieceCols = 32 * kPieceBlocks;
struct Piece {
  alignas(64) std::byte codes[kPieceBlocks * 8 * kVectorBytes];
  alignas(64) float scales[2 * kPieceBlocks * kGroupRows];
  alignas(64) float offsets[2 * kPieceBlocks * kGroupRows];
};

template <typename Type>
PJ_VEC void expand_chunk(const std::byte* chunk, int n_blocks, int first_block, Piece& piece) {
  for (int lane = 0; lane < kGroupRows; lane += kLanes) {
    Type::heads(chunk, n_blocks, lane, piece.scales + kGroupFloats<Type> * first_block + lane,
                piece.offsets + kGroupFloats<Type> * first_block + lane);
    const std::byte* const planes = chunk + Type::kForm.head_bytes(n_blocks) + 4 * lane;
    std::byte* out = piece.codes + 8 * first_block * kVectorBytes + 4 * lane;
    for (int block = 0; block < n_blocks; ++block) {
      repeat<8>([&](auto at) PJ_BODY {
        store_int(out + at * kVectorBytes, Type::template codes<at>(planes, block));
      });
      out += 8 * kVectorBytes;
    }
  }
}

// sums[token * kGroupRows ..] += piece times tile, for kLanes rows from `lane` on.
template <bool kAffine, int kGroupCols, int kTokens>
void add_tile(const Piece& piece, int n_blocks, int lane, const std::int32_t* x, float* out,
              std::int64_t out_stride, int n_tokens, int n_rows, bool starts) {
  using Type = Bytes<kAffine, kGroupCols>;
  F sums[kTokens];
  repeat<kTokens>([&](auto token) PJ_BODY {
    sums[token] = starts || token >= n_tokens ? splat_float(0.0F)
                                              : load_first(out + token * out_stride, n_rows);
  });
  const std::byte* const planes = piece.codes + 4 * lane;
  const float* scales = piece.scales + lane;
  const float* offsets = piece.offsets + lane;
  for (int block = 0; block < n_blocks; ++block) {
    add_block<Type, kTokens>(planes, block, scales, offsets, x, sums);
    scales += kGroupFloats<Type>;
    offsets += kGroupFloats<Type>;
    x += kBlockWords * kTokens;
  }
  repeat<kTokens>([&](auto token) PJ_BODY {
    if (token < n_tokens) store_first(out + token * out_stride, sums[token], n_rows);
  });
}
