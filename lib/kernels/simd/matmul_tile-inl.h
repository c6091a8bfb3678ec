// SPDX-License-Identifier: Apache-2.0
// Quantized weights times activations: kLanes rows and a tile of tokens, block by block.
//
// Included inside a target region and the namespace of the instruction set. The order of sums of a
// row and token: integers exactly inside a group of columns, then per group of columns
//   sum = fma(dot, scale, sum), then sum = fma(sum of activations, offset, sum) for affine types.
// It does not depend on the tile, so any number of tokens gives the same bits.

// Which words of an activation block a type reads after the codes and the base: the start of its
// sums or the sum of its columns, for each group of columns in a block.
template <bool kAffine, int kGroupCols>
struct Extra {
  static constexpr bool kUsed = kAffine || kStartsBiased;
  static constexpr int kCount = kUsed ? 32 / kGroupCols : 0;
  static constexpr int kFirst = kAffine
                                    ? (kGroupCols == 32 ? kSumWord : kHalfSumWord)
                                    : (kGroupCols == 32 ? kBiasedStartWord : kHalfBiasedStartWord);
};

// x: words of activations, token by token: word * kTokens + token. The extra words are at kExtra.
template <typename Type, int kTokens, int kExtra>
PJ_VEC void add_block(const std::byte* planes, int block, const float* scales, const float* offsets,
                      const std::int32_t* x, F (&sums)[kTokens]) {
  constexpr int kParts = 32 / Type::kGroupCols;
  constexpr int kVectors = 8 / kParts;
  constexpr bool kBiased = kStartsBiased && !Type::kAffine;
  repeat<kParts>([&](auto part) PJ_BODY {
    constexpr int kStart = kBiased ? kExtra + part : kBaseWord;
    I dots[kTokens];
    repeat<kTokens>([&](auto token)
                        PJ_BODY { dots[token] = broadcast(x + kStart * kTokens + token); });
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
        const F sum = from_bits(broadcast(x + (kExtra + part) * kTokens + token));
        sums[token] = fma(sum, offset, sums[token]);
      });
    }
  });
}

// Codes that are widened to a byte already.
template <bool kIsAffine, int kCols>
struct Bytes {
  static constexpr bool kAffine = kIsAffine;
  static constexpr int kGroupCols = kCols;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return load_aligned(planes + (8 * block + kAt) * kVectorBytes);
  }
};

// 16 blocks of a group, widened to bytes: what several tiles of tokens share.

struct BytesPiece {
  alignas(64) std::byte codes[kPieceRecords * 8 * kVectorBytes];
  alignas(64) float scales[2 * kPieceRecords * kGroupRows];
  alignas(64) float offsets[2 * kPieceRecords * kGroupRows];
};

template <bool kAffine, int kGroupCols, int kTokens>
void add_bytes_tile(const BytesPiece& piece, int n_records, int lane, const std::int32_t* x,
                    float* out) {
  constexpr int kWords = kBaseWord + 1 + Extra<kAffine, kGroupCols>::kCount;
  constexpr int kGroupFloats = 32 / kGroupCols * kGroupRows;
  F sums[kTokens];
  repeat<kTokens>([&](auto token) PJ_BODY { sums[token] = load(out + token * kGroupRows); });
  const std::byte* const planes = piece.codes + 4 * lane;
  const float* scales = piece.scales + lane;
  const float* offsets = piece.offsets + lane;
  for (int block = 0; block < n_records; ++block) {
    add_block<Bytes<kAffine, kGroupCols>, kTokens, kBaseWord + 1>(planes, block, scales, offsets, x,
                                                                  sums);
    scales += kGroupFloats;
    offsets += kGroupFloats;
    x += kWords * kTokens;
  }
  repeat<kTokens>([&](auto token) PJ_BODY { store(out + token * kGroupRows, sums[token]); });
}

// How matmul_loops-inl.h multiplies a block-quantized type; a record is a block of 32 columns.
template <typename Type>
struct CodesWork {
  using Piece = BytesPiece;
  using TypeExtra = Extra<Type::kAffine, Type::kGroupCols>;
  static constexpr int kExtraWords = TypeExtra::kCount;
  static constexpr int kFirstExtraWord = TypeExtra::kFirst;
  static constexpr int kWords = kBaseWord + 1 + kExtraWords;  // of a record that tiles keep
  static constexpr int kKeptWords = kBaseWord + 1;            // the first ones, before the extra
  static constexpr int kGroupFloats = 32 / Type::kGroupCols * kGroupRows;

  static std::uint64_t group_bytes(DType dtype, std::int64_t cols) {
    return packed_group_bytes(dtype, cols);
  }
  // Where a record that begins a chunk lies in its group.
  PJ_VEC static std::int64_t offset_of(std::int64_t record) {
    return record / kChunkBlocks * Type::kForm.chunk_bytes(kChunkBlocks);
  }

  // Records [first, first + count) of a group, widened.
  PJ_VEC static void load_piece(const std::byte* group, std::int64_t first, int count,
                                Piece& piece) {
    const std::byte* chunk = group + offset_of(first);
    for (int done = 0; done < count; done += kChunkBlocks) {
      const int n_blocks = std::min(kChunkBlocks, count - done);
      const int floats = kGroupFloats * done;
      std::byte* const out = piece.codes + 8 * done * kVectorBytes;
      for (int lane = 0; lane < kGroupRows; lane += kLanes) {
        Type::heads(chunk, n_blocks, lane, piece.scales + floats + lane,
                    piece.offsets + floats + lane);
        const std::byte* const planes = chunk + Type::kForm.head_bytes(n_blocks) + 4 * lane;
        for (int block = 0; block < n_blocks; ++block) {
          repeat<8>([&](auto at) PJ_BODY {
            store_int(out + (8 * block + at) * kVectorBytes + 4 * lane,
                      Type::template codes<at>(planes, block));
          });
        }
      }
      chunk += Type::kForm.chunk_bytes(n_blocks);
    }
  }

  template <int kTokens>
  static void add_tile(const Piece& piece, int n_records, int lane, const std::int32_t* x,
                       float* out) {
    add_bytes_tile<Type::kAffine, Type::kGroupCols, kTokens>(piece, n_records, lane, x, out);
  }

  // Tokens times the rows of a group from `lane` on, straight from its packed codes: records
  // [first, first + count), with words of x as add_block() wants them, kStride words a record.
  template <int kTokens, int kExtra, int kStride>
  PJ_VEC static void add_direct(const std::byte* group, std::int64_t first, int count, int lane,
                                const std::int32_t* x, F (&sums)[kTokens]) {
    alignas(64) float scales[2 * kChunkBlocks * kGroupRows];
    alignas(64) float offsets[2 * kChunkBlocks * kGroupRows];
    const std::byte* chunk = group + offset_of(first);
    for (int done = 0; done < count; done += kChunkBlocks) {
      const int n_blocks = std::min(kChunkBlocks, count - done);
      Type::heads(chunk, n_blocks, lane, scales + lane, offsets + lane);
      const std::byte* const planes = chunk + Type::kForm.head_bytes(n_blocks) + 4 * lane;
      for (int block = 0; block < n_blocks; ++block) {
        add_block<Type, kTokens, kExtra>(planes, block, scales + lane + kGroupFloats * block,
                                         offsets + lane + kGroupFloats * block, x, sums);
        x += kStride * kTokens;
      }
      chunk += Type::kForm.chunk_bytes(n_blocks);
    }
  }

  template <int kTokens>
  PJ_VEC static void add_few(const std::byte* group, std::int64_t first, int count, int lane,
                             const std::int32_t* x, F (&sums)[kTokens]) {
    add_direct<kTokens, kBaseWord + 1, kWords>(group, first, count, lane, x, sums);
  }
  // x: records as they are.
  PJ_VEC static void add_one(const std::byte* group, std::int64_t first, int count, int lane,
                             const std::int32_t* x, F (&sums)[1]) {
    add_direct<1, kFirstExtraWord, kRecordWords>(group, first, count, lane, x, sums);
  }
};

template <typename Type>
constexpr MatmulKernel kCodesKernel{.form = ActivationForm::kQ8,
                                    .group_bytes = packed_group_bytes,
                                    .pack_group = pack_group,
                                    .multiply = multiply<CodesWork<Type>>,
                                    .unpack_row = unpack_row};
