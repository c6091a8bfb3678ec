// SPDX-License-Identifier: Apache-2.0
// How block-quantized weights lie in a packed matrix; docs/kernels.md draws it.
//
// A group of 16 rows is a run of chunks of 256 columns (the last may have fewer, a multiple of 32).
// A chunk is a head with the scales of its rows, then the codes of each block of 32 columns, split
// into planes of bits. A vector of 64 bytes holds one byte for each of 4 columns of 16 rows, row by
// row; vector k of a block is about columns 4k .. 4k + 3. A plane of n bits puts 8 / n of these
// vectors into one, the first in the lowest bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/weight_type.h"

namespace pajamas {

inline constexpr int kGroupRows = 16;
inline constexpr int kChunkCols = 256;
inline constexpr int kChunkBlocks = 8;   // of 32 columns
inline constexpr int kVectorBytes = 64;  // 4 columns of 16 rows

enum class Plane : std::uint8_t {
  kBytes,
  kNibbles,
  kPairs,
  kNibblesAndBits,
  kNibblesAndPairs,
  kPairsAndBits,
  kTrits
};

// Vectors of code planes in a block of 32 columns. kTrits: 13 vectors per chunk, not per block.
constexpr int plane_vectors(Plane plane) {
  switch (plane) {
    case Plane::kBytes:
      return 8;
    case Plane::kNibbles:
      return 4;
    case Plane::kPairs:
      return 2;
    case Plane::kNibblesAndBits:
      return 5;
    case Plane::kNibblesAndPairs:
      return 6;
    case Plane::kPairsAndBits:
      return 3;
    case Plane::kTrits:
      return 0;
  }
  return 0;
}
inline constexpr int kTritVectors = 13;

// The head holds, field by field, the values of 16 rows: first 16-bit fields, then bytes.
struct PackedForm {
  Plane plane;
  int halves_per_block;
  int halves_per_chunk;
  int bytes_per_block;
  int bytes_per_chunk;

  constexpr int halves(int n_blocks) const {
    return halves_per_block * n_blocks + halves_per_chunk;
  }
  constexpr int bytes(int n_blocks) const { return bytes_per_block * n_blocks + bytes_per_chunk; }
  constexpr int head_bytes(int n_blocks) const {
    const int used = kGroupRows * (2 * halves(n_blocks) + bytes(n_blocks));
    return (used + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
  }
  constexpr int block_bytes() const { return plane_vectors(plane) * kVectorBytes; }
  constexpr int chunk_bytes(int n_blocks) const {
    const int codes =
        plane == Plane::kTrits ? kTritVectors * kVectorBytes : n_blocks * block_bytes();
    return head_bytes(n_blocks) + codes;
  }
};

// The fields of the heads are those of the stored blocks, as they are:
//   Q4_0 Q5_0 Q8_0 IQ4_NL  scale of each block
//   Q4_1 Q5_1              scale of each block, then minimum of each block
//   MXFP4                  exponent byte of each block
//   Q4_K Q5_K              scale, offset; the 12 bytes of group scales and offsets
//   Q6_K                   scale; the 16 group scales
//   Q3_K                   scale; the 12 bytes of group scales
//   Q2_K                   scale, offset; the 16 bytes of group scales and offsets
//   IQ4_XS                 scale, high bits of the group scales; their 4 bytes of low bits
//   TQ1_0 TQ2_0            scale
inline constexpr PackedForm kNibbleForm{Plane::kNibbles, 1, 0, 0, 0};
inline constexpr PackedForm kNibbleMinForm{Plane::kNibbles, 2, 0, 0, 0};
inline constexpr PackedForm kFiveBitForm{Plane::kNibblesAndBits, 1, 0, 0, 0};
inline constexpr PackedForm kFiveBitMinForm{Plane::kNibblesAndBits, 2, 0, 0, 0};
inline constexpr PackedForm kByteForm{Plane::kBytes, 1, 0, 0, 0};
inline constexpr PackedForm kMXFP4Form{Plane::kNibbles, 0, 0, 1, 0};
inline constexpr PackedForm kQ2_KForm{Plane::kPairs, 0, 2, 0, 16};
inline constexpr PackedForm kQ3_KForm{Plane::kPairsAndBits, 0, 1, 0, 12};
inline constexpr PackedForm kQ4_KForm{Plane::kNibbles, 0, 2, 0, 12};
inline constexpr PackedForm kQ5_KForm{Plane::kNibblesAndBits, 0, 2, 0, 12};
inline constexpr PackedForm kQ6_KForm{Plane::kNibblesAndPairs, 0, 1, 0, 16};
inline constexpr PackedForm kIQ4_XSForm{Plane::kNibbles, 0, 2, 0, 4};
inline constexpr PackedForm kTQ1_0Form{Plane::kTrits, 0, 1, 0, 0};
inline constexpr PackedForm kTQ2_0Form{Plane::kPairs, 0, 1, 0, 0};

// MLX's, whose scales and biases may be 16 or 32 bits wide and belong to 32, 64 or 128 columns:
//   affine          scale of each group, then bias of each group; of F32 ones all lower halves of
//                   the scales, all upper halves, then the biases in the same way
//   mxfp4           exponent byte of each block
//   mxfp8           exponent byte of each block, of the bytes that mxfp8_block.h makes of its codes
//   nvfp4           E4M3 byte of each half block
inline constexpr PackedForm kMlxMxfp4Form = kMXFP4Form;
inline constexpr PackedForm kMlxMxfp8Form{Plane::kBytes, 0, 0, 1, 0};
inline constexpr PackedForm kMlxNvfp4Form{Plane::kNibbles, 0, 0, 2, 0};

constexpr Plane mlx_affine_plane(int bits) {
  switch (bits) {
    case 2:
      return Plane::kPairs;
    case 3:
      return Plane::kPairsAndBits;
    case 4:
      return Plane::kNibbles;
    case 5:
      return Plane::kNibblesAndBits;
    case 6:
      return Plane::kNibblesAndPairs;
    default:
      return Plane::kBytes;
  }
}
constexpr PackedForm mlx_affine_form(int bits, int group_size, DType scale_dtype) {
  const Plane plane = mlx_affine_plane(bits);
  // Of 128 columns, in halves.
  const int halves = 2 * (128 / group_size) * (scale_dtype == DType::kF32 ? 2 : 1);
  return halves % 4 == 0 ? PackedForm{plane, halves / 4, 0, 0, 0}
                         : PackedForm{plane, 0, 2 * halves, 0, 0};
}

// The entries of MatmulKernel for all these types, whatever the instruction set. Rows of MLX's
// types that end inside a block have zeros for the rest of it.
std::uint64_t packed_group_bytes(WeightType type, std::int64_t cols);
void pack_group(WeightType type, std::int64_t cols, const std::byte* stored, std::int64_t n_rows,
                std::byte* group);
void unpack_row(WeightType type, std::int64_t cols, const std::byte* group,
                std::int64_t row_in_group, float* out);

}  // namespace pajamas
