// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/packed_form.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/matmul/row_chunk.h"
#include "kernels/weight_rows.h"

namespace pajamas {
namespace {

constexpr int kWords = kChunkCols / 4;        // words of 4 codes in a chunk
constexpr int kBlockCodeWords = kWords / 8;   // and in a block
constexpr std::uint32_t kFours = 0x01010101;  // a number in each byte of a word

// One row's codes as words of 4 columns.
struct Words {
  std::uint32_t of[kWords];
};

// kBits-bit fields of consecutive words, the first in the lowest bits.
template <int kBits, int kShift>
std::uint32_t merge(const std::uint32_t* words) {
  constexpr std::uint32_t kMask = ((1U << kBits) - 1) * kFours;
  std::uint32_t merged = 0;
  for (int i = 0; i < 8 / kBits; ++i) merged |= ((words[i] >> kShift) & kMask) << (kBits * i);
  return merged;
}
template <int kBits, int kShift>
void spread(std::uint32_t merged, std::uint32_t* words) {
  constexpr std::uint32_t kMask = ((1U << kBits) - 1) * kFours;
  for (int i = 0; i < 8 / kBits; ++i) words[i] |= ((merged >> (kBits * i)) & kMask) << kShift;
}

// The codes' words of one row lie a vector apart.
class RowWords {
 public:
  explicit RowWords(std::byte* first) : at_(first) {}
  void write(std::uint32_t word) {
    std::memcpy(at_, &word, sizeof(word));
    at_ += kVectorBytes;
  }
  std::uint32_t read() {
    std::uint32_t word = 0;
    std::memcpy(&word, at_, sizeof(word));
    at_ += kVectorBytes;
    return word;
  }

 private:
  std::byte* at_;
};

void write_trits(const Words& words, RowWords row) {
  for (int vector = 0; vector < kTritVectors; ++vector) {
    std::uint32_t packed = 0;
    for (int byte = 0; byte < 4; ++byte) {
      unsigned number = 0;
      for (int word = 5 * vector; word < 5 * vector + 5; ++word) {
        number = 3 * number + (word < kWords ? (words.of[word] >> (8 * byte)) & 0xff : 0);
      }
      packed |= ((number * 256 + 242) / 243) << (8 * byte);
    }
    row.write(packed);
  }
}
void read_trits(RowWords row, Words& words) {
  for (int vector = 0; vector < kTritVectors; ++vector) {
    const std::uint32_t packed = row.read();
    for (int byte = 0; byte < 4; ++byte) {
      unsigned fraction = (packed >> (8 * byte)) & 0xff;
      for (int word = 5 * vector; word < std::min(5 * vector + 5, kWords); ++word) {
        words.of[word] |= ((fraction * 3) >> 8) << (8 * byte);
        fraction = (fraction * 3) & 0xff;
      }
    }
  }
}

// One plane of a block: the bits from kShift on.
template <int kBits, int kShift>
void write_plane(const std::uint32_t* codes, RowWords& row) {
  for (int word = 0; word < kBlockCodeWords; word += 8 / kBits) {
    row.write(merge<kBits, kShift>(codes + word));
  }
}
template <int kBits, int kShift>
void read_plane(RowWords& row, std::uint32_t* codes) {
  for (int word = 0; word < kBlockCodeWords; word += 8 / kBits) {
    spread<kBits, kShift>(row.read(), codes + word);
  }
}

void write_block(Plane plane, const std::uint32_t* codes, RowWords& row) {
  switch (plane) {
    case Plane::kBytes:
      return write_plane<8, 0>(codes, row);
    case Plane::kNibbles:
      return write_plane<4, 0>(codes, row);
    case Plane::kPairs:
      return write_plane<2, 0>(codes, row);
    case Plane::kNibblesAndBits:
      write_plane<4, 0>(codes, row);
      return write_plane<1, 4>(codes, row);
    case Plane::kNibblesAndPairs:
      write_plane<4, 0>(codes, row);
      return write_plane<2, 4>(codes, row);
    case Plane::kPairsAndBits:
      write_plane<2, 0>(codes, row);
      return write_plane<1, 2>(codes, row);
    case Plane::kTrits:
      return;
  }
}
void read_block(Plane plane, RowWords& row, std::uint32_t* codes) {
  switch (plane) {
    case Plane::kBytes:
      return read_plane<8, 0>(row, codes);
    case Plane::kNibbles:
      return read_plane<4, 0>(row, codes);
    case Plane::kPairs:
      return read_plane<2, 0>(row, codes);
    case Plane::kNibblesAndBits:
      read_plane<4, 0>(row, codes);
      return read_plane<1, 4>(row, codes);
    case Plane::kNibblesAndPairs:
      read_plane<4, 0>(row, codes);
      return read_plane<2, 4>(row, codes);
    case Plane::kPairsAndBits:
      read_plane<2, 0>(row, codes);
      return read_plane<1, 2>(row, codes);
    case Plane::kTrits:
      return;
  }
}

void write_codes(const PackedForm& form, const Words& words, int n_blocks, RowWords row) {
  if (form.plane == Plane::kTrits) return write_trits(words, row);
  for (int block = 0; block < n_blocks; ++block) {
    write_block(form.plane, words.of + kBlockCodeWords * block, row);
  }
}
void read_codes(const PackedForm& form, RowWords row, int n_blocks, Words& words) {
  if (form.plane == Plane::kTrits) return read_trits(row, words);
  for (int block = 0; block < n_blocks; ++block) {
    read_block(form.plane, row, words.of + kBlockCodeWords * block);
  }
}

void pack_chunk_row(const PackedForm& form, const RowChunk& row, int n_blocks, int row_in_group,
                    std::byte* chunk) {
  for (int field = 0; field < form.halves(n_blocks); ++field) {
    std::memcpy(chunk + 2 * (kGroupRows * field + row_in_group), &row.halves[field], 2);
  }
  std::byte* const bytes = chunk + 2 * kGroupRows * form.halves(n_blocks);
  for (int field = 0; field < form.bytes(n_blocks); ++field) {
    bytes[kGroupRows * field + row_in_group] = std::byte{row.bytes[field]};
  }
  Words words;
  std::memcpy(words.of, row.codes, sizeof(words.of));
  write_codes(form, words, n_blocks,
              RowWords(chunk + form.head_bytes(n_blocks) + 4 * row_in_group));
}

void unpack_chunk_row(const PackedForm& form, const std::byte* chunk, int n_blocks,
                      int row_in_group, RowChunk& row) {
  for (int field = 0; field < form.halves(n_blocks); ++field) {
    std::memcpy(&row.halves[field], chunk + 2 * (kGroupRows * field + row_in_group), 2);
  }
  const std::byte* const bytes = chunk + 2 * kGroupRows * form.halves(n_blocks);
  for (int field = 0; field < form.bytes(n_blocks); ++field) {
    row.bytes[field] = std::to_integer<std::uint8_t>(bytes[kGroupRows * field + row_in_group]);
  }
  Words words{};
  const std::byte* const first = chunk + form.head_bytes(n_blocks) + 4 * row_in_group;
  read_codes(form, RowWords(const_cast<std::byte*>(first)), n_blocks, words);
  std::memcpy(row.codes, words.of, sizeof(words.of));
}

const PackedType& type_of(WeightType type) {
  const PackedType* const found = find_packed_type(type.dtype());
  PJ_CHECK(found != nullptr);
  return *found;
}

PackedForm form_of(WeightType type) {
  return type.is_mlx() ? mlx_packed_form(type) : type_of(type).form;
}

// Columns of the chunk that begins at one, and their blocks.
int columns_at(std::int64_t col, std::int64_t cols) {
  return static_cast<int>(std::min<std::int64_t>(kChunkCols, cols - col));
}
int blocks_of(int columns) { return (columns + 31) / 32; }

}  // namespace

std::uint64_t packed_group_bytes(WeightType type, std::int64_t cols) {
  const PackedForm form = form_of(type);
  const auto whole = static_cast<std::uint64_t>(cols / kChunkCols) *
                     static_cast<std::uint64_t>(form.chunk_bytes(kChunkBlocks));
  const int rest = blocks_of(static_cast<int>(cols % kChunkCols));
  return whole + (rest == 0 ? 0U : static_cast<std::uint64_t>(form.chunk_bytes(rest)));
}

void pack_group(WeightType type, std::int64_t cols, const std::byte* stored, std::int64_t n_rows,
                std::byte* group) {
  const PackedForm form = form_of(type);
  if (n_rows < kGroupRows) std::memset(group, 0, packed_group_bytes(type, cols));
  const std::uint64_t stored_bytes = row_bytes(type, cols);
  RowChunk row{};
  for (std::int64_t col = 0; col < cols; col += kChunkCols) {
    const int n_blocks = blocks_of(columns_at(col, cols));
    std::memset(group, 0, static_cast<std::size_t>(form.head_bytes(n_blocks)));  // its padding
    for (std::int64_t index = 0; index < n_rows; ++index) {
      const std::byte* const from = stored + static_cast<std::uint64_t>(index) * stored_bytes;
      if (type.is_mlx()) {
        split_mlx(type, cols, from, col, row);
      } else {
        type_of(type).split(from + row_bytes(type, col), n_blocks, row);
      }
      pack_chunk_row(form, row, n_blocks, static_cast<int>(index), group);
    }
    group += form.chunk_bytes(n_blocks);
  }
}

void unpack_row(WeightType type, std::int64_t cols, const std::byte* group,
                std::int64_t row_in_group, float* out) {
  const PackedForm form = form_of(type);
  RowChunk row{};
  std::byte stored[kChunkCols * 2];  // wider than any block type
  for (std::int64_t col = 0; col < cols; col += kChunkCols) {
    const int n = columns_at(col, cols);
    const int n_blocks = blocks_of(n);
    unpack_chunk_row(form, group, n_blocks, static_cast<int>(row_in_group), row);
    if (type.is_mlx()) {
      join_mlx(type, row, n, stored);
    } else {
      type_of(type).join(row, n_blocks, stored);
    }
    decode_weights(nullptr, type, stored, 1, n, out + col);
    group += form.chunk_bytes(n_blocks);
  }
}

}  // namespace pajamas
