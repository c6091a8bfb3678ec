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

// How matmul_loops-inl.h multiplies a block-quantized type; a record is a block of 32 columns.
template <typename Type>
struct CodesWork {
  using TypeExtra = Extra<Type::kAffine, Type::kGroupCols>;
  static constexpr int kKeptWords = kBaseWord + 1;  // of a record, before the extra words
  static constexpr int kExtraWords = TypeExtra::kCount;
  static constexpr int kFirstExtraWord = TypeExtra::kFirst;

  static std::uint64_t group_bytes(DType dtype, std::int64_t cols) {
    return packed_group_bytes(dtype, cols);
  }

  template <int kTokens, int kExtra, int kStride>
  PJ_VEC static void add_records(const std::byte* group, std::int64_t first, int count, int lane,
                                 const std::int32_t* x, F (&sums)[kTokens]) {
    constexpr int kGroupFloats = 32 / Type::kGroupCols * kGroupRows;
    alignas(64) float scales[2 * kChunkBlocks * kGroupRows];
    alignas(64) float offsets[2 * kChunkBlocks * kGroupRows];
    const std::byte* chunk = group + first / kChunkBlocks * Type::kForm.chunk_bytes(kChunkBlocks);
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
  PJ_VEC static void add_tile(const std::byte* group, std::int64_t first, int count, int lane,
                              const std::int32_t* x, F (&sums)[kTokens]) {
    add_records<kTokens, kKeptWords, kKeptWords + kExtraWords>(group, first, count, lane, x, sums);
  }
  PJ_VEC static void add_one(const std::byte* group, int count, int lane, const std::int32_t* x,
                             F (&sums)[1]) {
    add_records<1, kFirstExtraWord, kRecordWords>(group, 0, count, lane, x, sums);
  }
};

template <typename Type>
constexpr MatmulKernel kCodesKernel{.form = ActivationForm::kQ8,
                                    .group_bytes = packed_group_bytes,
                                    .pack_group = pack_group,
                                    .multiply = multiply<CodesWork<Type>>,
                                    .unpack_row = unpack_row};
