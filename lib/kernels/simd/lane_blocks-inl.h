// SPDX-License-Identifier: Apache-2.0
// Walks rows in chunks of kLanes blocks, one block per lane, and stores the encoded blocks.
//
// Rows are contiguous, so a chunk may span rows; a last, partly filled chunk repeats its first
// block in the idle lanes and drops their output. Each type gives a struct with
//   kDType, kElems, kBlockBytes
//   kLeadBytes      bytes before the words of a block; they stand in the word after the others
//   kRowVariance    true: with importance it wants the mean square of the whole row
//   static unsigned encode(const ChunkOf<kElems>& chunk, I* words);
//   static unsigned encode_with_importance(...);  the same; types without it use encode()
// which fill the words of the blocks (little endian, one 32-bit word per vector) and return the
// lanes they cannot be exact for; the scalar codec encodes those.

constexpr int kSuperElems = 256;
constexpr int kMaxWords = 64;

template <int kElems>
struct ChunkOf {
  alignas(64) float x[kElems * kLanes];  // x[e * kLanes + lane]
  alignas(64) float importance[kElems * kLanes];
  alignas(64) float row_variance[kLanes];
};
using Chunk = ChunkOf<kSuperElems>;

// Four vectors of bytes to one vector of words, first byte lowest.
PJ_VEC I pack_bytes(I b0, I b1, I b2, I b3) {
  return b0 | shift_left<8>(b1) | shift_left<16>(b2) | shift_left<24>(b3);
}

template <int kElems>
PJ_VEC void transpose_blocks(const float* const* from, float* to) {
  for (int e = 0; e < kElems; e += kLanes) transpose_in(from, e, to + e * kLanes);
}

template <int kBlockBytes, int kLeadBytes>
PJ_VEC void store_blocks(const I* words, int blocks, std::byte* out) {
  constexpr int kTailBytes = kBlockBytes - kLeadBytes;
  constexpr int kTailWords = (kTailBytes + 3) / 4;
  constexpr int kWords = kTailWords + (kLeadBytes > 0 ? 1 : 0);
  constexpr int kStride = (kWords + kLanes - 1) / kLanes * kLanes;
  alignas(64) std::int32_t rows[kLanes * kStride];
  for (int w = 0; w < kWords; w += kLanes) transpose_words(words + w, rows + w, kStride);
  for (int lane = 0; lane < blocks; ++lane) {
    const std::int32_t* const row = rows + lane * kStride;
    std::byte* const to = out + lane * kBlockBytes;
    if constexpr (kLeadBytes > 0) __builtin_memcpy(to, row + kTailWords, kLeadBytes);
    __builtin_memcpy(to + kLeadBytes, row, kTailBytes);
  }
}

// Mean squares of up to kLanes rows, each summed from left to right.
inline void row_variances(const float* rows, int n_rows, std::int64_t n_per_row, float* variances) {
  const float* from[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    from[lane] = rows + (lane < n_rows ? lane : 0) * n_per_row;
  }
  F sum = all<F>(0.0F);
  alignas(64) float x[kLanes * kLanes];
  for (std::int64_t at = 0; at < n_per_row; at += kLanes) {
    transpose_in(from, at, x);
    for (int e = 0; e < kLanes; ++e) {
      const F value = load(x + e * kLanes);
      sum = sum + value * value;
    }
  }
  store(variances, sum / all<F>(static_cast<float>(n_per_row)));
}

// Rows whose variances, if wanted, are given. Returns true when a block needs its row's scalar
// codec (types with row variance), having left other inexact blocks to it already.
template <typename Type>
bool encode_chunks(const float* rows, std::int64_t n_rows, std::int64_t n_per_row,
                   const float* importance, const float* variances, std::byte* out) {
  constexpr int kElems = Type::kElems;
  const std::int64_t blocks_per_row = n_per_row / kElems;
  const std::int64_t n_blocks = n_rows * blocks_per_row;
  bool rows_inexact = false;
  ChunkOf<kElems> chunk;
  alignas(64) I words[kMaxWords];
  std::int64_t row = 0;
  std::int64_t column = 0;  // block within the row
  for (std::int64_t first = 0; first < n_blocks; first += kLanes) {
    const int blocks = static_cast<int>(n_blocks - first < kLanes ? n_blocks - first : kLanes);
    const float* from[kLanes];
    const float* from_importance[kLanes] = {};
    for (int lane = 0; lane < kLanes; ++lane) {
      from[lane] = rows + (lane < blocks ? first + lane : first) * kElems;
      if (importance != nullptr) from_importance[lane] = importance + column * kElems;
      if (variances != nullptr) chunk.row_variance[lane] = variances[row < n_rows ? row : 0];
      const bool row_ends = column + 1 == blocks_per_row;
      column = row_ends ? 0 : column + 1;
      row += row_ends ? 1 : 0;
    }
    transpose_blocks<kElems>(from, chunk.x);
    unsigned inexact = 0;
    if (importance == nullptr) {
      inexact = Type::encode(chunk, words);
    } else {
      transpose_blocks<kElems>(from_importance, chunk.importance);
      inexact = Type::encode_with_importance(chunk, words);
    }
    std::byte* const to = out + first * Type::kBlockBytes;
    store_blocks<Type::kBlockBytes, Type::kLeadBytes>(words, blocks, to);
    if (inexact == 0) continue;
    if (variances != nullptr) {
      rows_inexact = true;
      continue;
    }
    for (int lane = 0; lane < blocks; ++lane) {
      if ((inexact >> lane & 1U) == 0) continue;
      encode_scalar(Type::kDType, from[lane], from_importance[lane], kElems,
                    to + lane * Type::kBlockBytes);
    }
  }
  return rows_inexact;
}

template <typename Type>
void encode_lane_blocks(const float* rows, std::int64_t n_rows, std::int64_t n_per_row,
                        const float* importance, std::byte* out) {
  if constexpr (!Type::kUsesImportance) importance = nullptr;
  if (!Type::kRowVariance || importance == nullptr) {
    encode_chunks<Type>(rows, n_rows, n_per_row, importance, nullptr, out);
    return;
  }
  const std::int64_t row_bytes = n_per_row / Type::kElems * Type::kBlockBytes;
  alignas(64) float variances[kLanes];
  for (std::int64_t row = 0; row < n_rows; row += kLanes) {
    const int count = static_cast<int>(n_rows - row < kLanes ? n_rows - row : kLanes);
    const float* const from = rows + row * n_per_row;
    std::byte* const to = out + row * row_bytes;
    row_variances(from, count, n_per_row, variances);
    if (!encode_chunks<Type>(from, count, n_per_row, importance, variances, to)) continue;
    for (int i = 0; i < count; ++i) {
      encode_scalar(Type::kDType, from + i * n_per_row, importance, n_per_row, to + i * row_bytes);
    }
  }
}
