// SPDX-License-Identifier: Apache-2.0
// Float weights times activations: kLanes rows and a tile of tokens, word by word.
//
// Included inside a target region and the namespace of the instruction set, after
// matmul_loops-inl.h. A word of activations is one F32 or two BF16 columns; the packed weights of a
// word are those of 16 rows, row by row. Sums of a row and token: even and odd words apart over a
// piece of kPieceRecords records, then even + odd is added to the sum of the pieces before.
//
// A type has kElemBytes, kWordCols (columns of a word) and add(sum, weights, x).

constexpr int kPieceRecords = 16;
static_assert(kStepRecords % kPieceRecords == 0 && kSpanRecords % kPieceRecords == 0);

template <typename Type>
struct FloatsWork {
  static constexpr int kKeptWords = kRecordWords;
  static constexpr int kExtraWords = 0;
  static constexpr int kFirstExtraWord = 0;
  static constexpr int kUnitBytes = Type::kElemBytes * Type::kWordCols;  // of a row and word
  static constexpr int kStep = kUnitBytes * kGroupRows;                  // from word to word

  static std::uint64_t group_bytes(WeightType /*type*/, std::int64_t cols) {
    constexpr std::int64_t kRecordCols = kRecordWords * Type::kWordCols;
    return static_cast<std::uint64_t>((cols + kRecordCols - 1) / kRecordCols * kRecordWords *
                                      kStep);
  }

  static void pack_group(WeightType type, std::int64_t cols, const std::byte* stored,
                         std::int64_t n_rows, std::byte* group) {
    const std::int64_t bytes = Type::kElemBytes * cols;
    const std::int64_t whole = bytes / kUnitBytes * kUnitBytes;
    if (n_rows < kGroupRows || whole < bytes || cols % (kRecordWords * Type::kWordCols) != 0) {
      std::memset(group, 0, group_bytes(type, cols));
    }
    for (std::int64_t row = 0; row < n_rows; ++row) {
      const std::byte* const from = stored + row * bytes;
      std::byte* to = group + row * kUnitBytes;
      for (std::int64_t at = 0; at < whole; at += kUnitBytes) {
        std::memcpy(to, from + at, kUnitBytes);
        to += kStep;
      }
      if (whole < bytes) std::memcpy(to, from + whole, static_cast<std::size_t>(bytes - whole));
    }
  }

  static void unpack_row(WeightType type, std::int64_t cols, const std::byte* group,
                         std::int64_t row_in_group, float* out) {
    constexpr std::int64_t kCols = 64;  // at a time
    for (std::int64_t col = 0; col < cols; col += kCols) {
      const std::int64_t n = std::min(kCols, cols - col);
      std::byte stored[kCols * Type::kElemBytes];
      for (std::int64_t at = 0; at < n; at += Type::kWordCols) {
        std::memcpy(stored + at * Type::kElemBytes,
                    group + (col + at) / Type::kWordCols * kStep + row_in_group * kUnitBytes,
                    kUnitBytes);
      }
      decode_rows(nullptr, type.dtype(), stored, 1, n, out + col);
    }
  }

  // The sums of a piece.
  template <int kTokens>
  PJ_VEC static void multiply_piece(const std::byte* weights, int n_records, const std::int32_t* x,
                                    F (&sums)[kTokens]) {
    F odd[kTokens];
    repeat<kTokens>([&](auto token) PJ_BODY {
      sums[token] = splat_float(0.0F);
      odd[token] = splat_float(0.0F);
    });
    for (int pair = 0; pair < n_records * kRecordWords / 2; ++pair) {
      if constexpr (kTokens == 1) fetch_ahead<2 * kStep>(weights);
      const auto first = Type::load(weights);
      const auto second = Type::load(weights + kStep);
      repeat<kTokens>([&](auto token)
                          PJ_BODY { sums[token] = Type::add(sums[token], first, x + token); });
      repeat<kTokens>([&](auto token) PJ_BODY {
        odd[token] = Type::add(odd[token], second, x + kTokens + token);
      });
      weights += 2 * kStep;
      x += 2 * kTokens;
    }
    repeat<kTokens>([&](auto token) PJ_BODY { sums[token] = sums[token] + odd[token]; });
  }

  template <int kTokens>
  PJ_VEC static void add_tile(const std::byte* group, WeightType /*type*/, std::int64_t first,
                              int count, int lane, const std::int32_t* x, F (&sums)[kTokens]) {
    const std::byte* weights = group + first * kRecordWords * kStep + lane * kUnitBytes;
    for (int done = 0; done < count; done += kPieceRecords) {
      F piece[kTokens];
      multiply_piece<kTokens>(weights, std::min(kPieceRecords, count - done), x, piece);
      repeat<kTokens>([&](auto token) PJ_BODY { sums[token] = sums[token] + piece[token]; });
      weights += kPieceRecords * kRecordWords * kStep;
      x += kPieceRecords * kRecordWords * kTokens;
    }
  }
  PJ_VEC static void add_one(const std::byte* group, WeightType type, int count, int lane,
                             const std::int32_t* x, F (&sums)[1]) {
    add_tile<1>(group, type, 0, count, lane, x, sums);
  }
};

struct F32Weights {
  static constexpr int kElemBytes = 4;
  static constexpr int kWordCols = 1;
  PJ_VEC static F load(const std::byte* p) { return from_bits(load_int(p)); }
  PJ_VEC static F add(F sum, F weights, const std::int32_t* x) {
    return fma(weights, from_bits(broadcast(x)), sum);
  }
};

struct F16Weights {
  static constexpr int kElemBytes = 2;
  static constexpr int kWordCols = 1;
  PJ_VEC static F load(const std::byte* p) { return load_f16(p); }
  PJ_VEC static F add(F sum, F weights, const std::int32_t* x) {
    return fma(weights, from_bits(broadcast(x)), sum);
  }
};

// Without instructions for BF16.
struct BF16AsF32 {
  static constexpr int kElemBytes = 2;
  static constexpr int kWordCols = 1;
  PJ_VEC static F load(const std::byte* p) { return from_bits(shift_left<16>(load_halves(p))); }
  PJ_VEC static F add(F sum, F weights, const std::int32_t* x) {
    return fma(weights, from_bits(broadcast(x)), sum);
  }
};

template <typename Type, ActivationForm kForm>
constexpr MatmulKernel kFloatsKernel{.form = kForm,
                                     .group_bytes = FloatsWork<Type>::group_bytes,
                                     .pack_group = FloatsWork<Type>::pack_group,
                                     .multiply = multiply<FloatsWork<Type>>,
                                     .unpack_row = FloatsWork<Type>::unpack_row};
