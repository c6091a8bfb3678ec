// SPDX-License-Identifier: Apache-2.0
// MLX's mxfp8: E4M3 codes, which F32 and BF16 hold exactly, under a power of two per 32 columns.
//
// Included inside a target region and the namespace of the instruction set, after
// matmul_loops-inl.h. A byte of a word is a column, the middle two in each other's place: see
// kMlxMxfp8Form. Sums of a row and token: columns in order inside a block of 32, then
// sum = fma(sum of the block, scale, sum).
//
// `Type` is how codes are multiplied:
//   kForm, kBlockRecords  of the activations, and their records to a block of 32 columns
//   add<kTokens>(vector, x, sums)  4 columns, from the first of their words on

// 2^(byte - 127), which is denormal for the byte 0; infinity for 255, as the bits have it.
PJ_VEC F load_block_scales(const std::byte* p) {
  const I byte = load_bytes(p);
  return from_bits(select(byte == splat_int(0), splat_int(0x00400000), shift_left<23>(byte)));
}

template <typename Type>
struct Mxfp8Work {
  static constexpr int kKeptWords = kRecordWords;
  static constexpr int kExtraWords = 0;
  static constexpr int kFirstExtraWord = 0;
  static constexpr int kBlockWords = Type::kBlockRecords * kRecordWords;
  static constexpr PackedForm kForm = kMlxMxfp8Form;

  static std::uint64_t group_bytes(WeightType type, std::int64_t cols) {
    return packed_group_bytes(type, cols);
  }

  template <int kTokens>
  PJ_VEC static void add_tile(const std::byte* group, WeightType /*type*/, std::int64_t first,
                              int count, int lane, const std::int32_t* x, F (&sums)[kTokens]) {
    const int n_all = count / Type::kBlockRecords;
    const std::byte* chunk =
        group + first / Type::kBlockRecords / kChunkBlocks * kForm.chunk_bytes(kChunkBlocks);
    for (int done = 0; done < n_all; done += kChunkBlocks) {
      const int n_blocks = std::min(kChunkBlocks, n_all - done);
      const std::byte* codes = chunk + kForm.head_bytes(n_blocks) + 4 * lane;
      for (int block = 0; block < n_blocks; ++block) {
        F dots[kTokens];
        repeat<kTokens>([&](auto token) PJ_BODY { dots[token] = splat_float(0.0F); });
        repeat<8>([&](auto vector) PJ_BODY {
          Type::template add<kTokens>(load_int(codes + vector * kVectorBytes),
                                      x + vector * (kBlockWords / 8) * kTokens, dots);
        });
        const F scale = load_block_scales(chunk + kGroupRows * block + lane);
        repeat<kTokens>([&](auto token)
                            PJ_BODY { sums[token] = fma(dots[token], scale, sums[token]); });
        codes += kForm.block_bytes();
        x += kBlockWords * kTokens;
      }
      chunk += kForm.chunk_bytes(n_blocks);
    }
  }
  PJ_VEC static void add_one(const std::byte* group, WeightType type, int count, int lane,
                             const std::int32_t* x, F (&sums)[1]) {
    add_tile<1>(group, type, 0, count, lane, x, sums);
  }
};

// The byte kByte of each word, as F32. The bits of a code, moved to those of a float, are 2^-120 of
// it, denormal numbers included.
template <int kByte>
PJ_VEC F e4m3_bytes(I words) {
  const I top = shift_by<24 - 8 * kByte>(words);
  const I bits = shift_right_signed<4>(top) & splat_int(static_cast<int>(0x87f00000U));
  return from_bits(bits) * splat_float(0x1p120F);
}

struct E4M3AsF32 {
  static constexpr ActivationForm kForm = ActivationForm::kF32;
  static constexpr int kBlockRecords = 2;
  template <int kTokens>
  PJ_VEC static void add(I words, const std::int32_t* x, F (&sums)[kTokens]) {
    const F columns[4] = {e4m3_bytes<0>(words), e4m3_bytes<2>(words), e4m3_bytes<1>(words),
                          e4m3_bytes<3>(words)};
    repeat<4>([&](auto column) PJ_BODY {
      repeat<kTokens>([&](auto token) PJ_BODY {
        sums[token] =
            fma(columns[column], from_bits(broadcast(x + column * kTokens + token)), sums[token]);
      });
    });
  }
};

template <typename Type>
constexpr MatmulKernel kMxfp8Kernel{.form = Type::kForm,
                                    .group_bytes = packed_group_bytes,
                                    .pack_group = pack_group,
                                    .multiply = multiply<Mxfp8Work<Type>>,
                                    .unpack_row = unpack_row};
