// SPDX-License-Identifier: Apache-2.0
// Quantized weights times activations: kLanes rows and a tile of tokens, block by block.
//
// Included inside a target region and the namespace of the instruction set. The order of sums of a
// row and token: integers exactly inside a group of columns, then per group of columns
//   sum = fma(dot, scale, sum), then sum = fma(sum of activations, offset, sum) for affine types,
// or that with the offsets of a whole chunk at its end.
// It does not depend on the tile, so any number of tokens gives the same bits.

// Which words of an activation block a type reads after the codes and the base: the start of its
// sums or the sum of its columns, for each group of columns in a block.
template <typename Type>
constexpr bool kOffsetsOfChunk = requires { Type::kOffsetsOfChunk; };

template <typename Type>
struct Extra {
  static constexpr bool kWhole = Type::kGroupCols == 32;
  static constexpr int kCount = !Type::kAffine && !kStartsBiased ? 0 : kWhole ? 1 : 2;
  static constexpr int kFirst = kOffsetsOfChunk<Type> ? kChunkWord
                                : Type::kAffine       ? (kWhole ? kSumWord : kHalfSumWord)
                                : kWhole              ? kBiasedStartWord
                                                      : kHalfBiasedStartWord;
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
    if constexpr (Type::kAffine && !kOffsetsOfChunk<Type>) {
      const F offset = load(offsets + part * kGroupRows);
      repeat<kTokens>([&](auto token) PJ_BODY {
        const F sum = from_bits(broadcast(x + (kExtra + part) * kTokens + token));
        sums[token] = fma(sum, offset, sums[token]);
      });
    }
  });
}

// The offsets of a chunk's 8 groups times the sums of its blocks, kStride words apart.
template <int kTokens, int kExtra, int kStride>
PJ_VEC void add_chunk_offsets(const float* offsets, const std::int32_t* x, F (&sums)[kTokens]) {
  const std::int32_t* const words = x + kExtra * kTokens;
  const std::int32_t* const base = words + kStride * kTokens;
  I dots[kTokens];
  repeat<kTokens>([&](auto token) PJ_BODY { dots[token] = broadcast(base + token); });
  repeat<kChunkSums / 2>([&](auto pair) PJ_BODY {
    const I pairs = load_int(offsets + kGroupRows * pair);
    repeat<kTokens>([&](auto token) PJ_BODY {
      dots[token] = add_pair_dot(dots[token], pairs, words + 2 * pair * kStride * kTokens + token);
    });
  });
  const F offset = load(offsets + kGroupRows * (kChunkSums / 2));
  repeat<kTokens>([&](auto token) PJ_BODY {
    sums[token] =
        fma(from_bits(dots[token]) - from_bits(broadcast(base + token)), offset, sums[token]);
  });
}

// How matmul_loops-inl.h multiplies a block-quantized type; a record is a block of 32 columns.
template <typename Type>
struct CodesWork {
  using TypeExtra = Extra<Type>;
  static constexpr int kKeptWords = kBaseWord + 1;  // of a record, before the extra words
  static constexpr int kExtraWords = TypeExtra::kCount;
  static constexpr int kFirstExtraWord = TypeExtra::kFirst;

  static std::uint64_t group_bytes(WeightType type, std::int64_t cols) {
    return packed_group_bytes(type, cols);
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
      if constexpr (kTokens == 1) fetch_ahead<Type::kForm.head_bytes(kChunkBlocks)>(chunk);
      Type::heads(chunk, n_blocks, lane, scales + lane, offsets + lane);
      const std::byte* const planes = chunk + Type::kForm.head_bytes(n_blocks) + 4 * lane;
      for (int block = 0; block < n_blocks; ++block) {
        if constexpr (kTokens == 1) {
          constexpr int kBytes = Type::kForm.block_bytes();
          fetch_ahead<kBytes>(planes + block * kBytes);
        }
        add_block<Type, kTokens, kExtra>(planes, block, scales + lane + kGroupFloats * block,
                                         offsets + lane + kGroupFloats * block,
                                         x + block * kStride * kTokens, sums);
      }
      if constexpr (kOffsetsOfChunk<Type>) {
        add_chunk_offsets<kTokens, kExtra, kStride>(offsets + lane, x, sums);
      }
      x += n_blocks * kStride * kTokens;
      chunk += Type::kForm.chunk_bytes(n_blocks);
    }
  }

  template <int kTokens>
  PJ_VEC static void add_tile(const std::byte* group, WeightType /*type*/, std::int64_t first,
                              int count, int lane, const std::int32_t* x, F (&sums)[kTokens]) {
    add_records<kTokens, kKeptWords, kKeptWords + kExtraWords>(group, first, count, lane, x, sums);
  }
  PJ_VEC static void add_one(const std::byte* group, WeightType /*type*/, int count, int lane,
                             const std::int32_t* x, F (&sums)[1]) {
    add_records<1, kFirstExtraWord, kRecordWords>(group, 0, count, lane, x, sums);
  }
};

template <typename Type>
constexpr MatmulKernel kCodesKernel{.form = ActivationForm::kQ8,
                                    .group_bytes = packed_group_bytes,
                                    .pack_group = pack_group,
                                    .multiply = multiply<CodesWork<Type>>,
                                    .unpack_row = unpack_row};
