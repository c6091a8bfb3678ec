// SPDX-License-Identifier: Apache-2.0
// Weights times activations, for every type that a codec stores: prompts (many tokens) and
// generation (one token) by the same functions.
//
// A weight matrix is repacked once at load into the layout that the table's kernel wants, about as
// large as it was stored. Activations are brought once per input into the form that the weight's
// kernel wants; several matrices that read the same input and want the same form share it. Then
// matmul() runs, on any split of the rows over threads.
//
// The value of (row, token) has the same bits for any number of tokens in the call, any range of
// rows and any thread count. Tables differ from each other by the rounding of activations
// (docs/kernels.md); the generic one multiplies in F32.
//
// All buffers belong to the caller. Packed matrices and activations start on kMatmulAlignment.
// Functions are pure and may run on many threads. A table of nullptr means the selected one. Any
// stored bytes are safe: NaN and infinity in scales give NaN or infinity in results, no more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/weight_type.h"
#include "kernels/kernel_table.h"

namespace pajamas {

inline constexpr std::int64_t kPackRows = 16;  // rows of a packed group; the last one is padded
inline constexpr std::size_t kMatmulAlignment = 64;  // bytes

// How a row of activations is stored for a kernel. Rows are padded to kMatmulAlignment.
enum class ActivationForm : std::uint8_t {
  kF32,   // as they are
  kBF16,  // rounded to BF16
  kQ8,    // signed bytes with a scale per 32, kernels/matmul/activation_block.h
};

// A weight matrix packed by pack_rows(). Owns nothing.
struct PackedMatrix {
  WeightType type = DType::kF32;
  std::int64_t rows;
  std::int64_t cols;
  const KernelTable* table;  // the one it was packed with
  const std::byte* data;
};

// Whether the type can be multiplied: every type that has a codec, F64, FP8 and those of MLX.
bool can_pack(const KernelTable* table, WeightType type);

// Bytes of the whole packed matrix.
std::uint64_t packed_bytes(const KernelTable* table, WeightType type, std::int64_t rows,
                           std::int64_t cols);

// Packs rows [first_row, first_row + n_rows) of a matrix of (rows, cols). stored: the bytes of
// those rows as in the file, of an MLX type their records. packed: start of the whole packed
// matrix. first_row is a multiple of kPackRows; n_rows is one too unless the range ends at `rows`.
// Disjoint ranges may be packed by different threads.
void pack_rows(const KernelTable* table, WeightType type, std::int64_t rows, std::int64_t cols,
               const std::byte* stored, std::int64_t first_row, std::int64_t n_rows,
               std::byte* packed);

// The form that a matrix of this type wants its activations in.
ActivationForm activation_form(const KernelTable* table, WeightType weight, std::int64_t cols);
std::uint64_t activation_row_bytes(ActivationForm form, std::int64_t cols);

// x: tokens x cols floats, contiguous. out: tokens x activation_row_bytes(form, cols).
void prepare_activations(const KernelTable* table, ActivationForm form, const float* x,
                         std::int64_t tokens, std::int64_t cols, std::byte* out);

// out[token * out_stride + row] = weights[row] . activations[token], for row in [row_begin,
// row_end) and all tokens. row_begin is a multiple of kPackRows; only the named cells are written.
// form: activation_form() of the matrix, the one the activations were prepared in.
void matmul(const PackedMatrix& weights, ActivationForm form, const std::byte* activations,
            std::int64_t tokens, std::int64_t row_begin, std::int64_t row_end, float* out,
            std::int64_t out_stride);

// Reads one row back as F32: what decode_weights() gives for the stored row, exactly unless the
// table multiplies mxfp8 as bytes (kernels/matmul/mxfp8_block.h).
void unpack_row(const PackedMatrix& weights, std::int64_t row, float* out);

}  // namespace pajamas
