// SPDX-License-Identifier: Apache-2.0
// The fast versions of the codecs, one table per instruction set, chosen once at start.
//
// Encoders and decoders give exactly the bits of the scalar codecs in codecs/. A null entry in a
// table means: no faster version here, use the next narrower table's, in the end the scalar codec.
// encode_rows() and decode_rows() below do that; callers use them, not the tables.
// PAJAMAS_CPU=generic|avx2|avx512|avx512vnni|avx512bf16|neon in the environment overrides the
// choice. Everything here is pure and may run on many threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/cpu_features.h"
#include "base/error.h"
#include "kernels/ops_kernels.h"
#include "tensor/dtype.h"

namespace pajamas {

// rows: n_rows x n_per_row floats, contiguous. importance: nullptr or n_per_row weights, shared by
// all rows. out: n_rows x row_bytes(dtype, n_per_row) bytes.
using EncodeRowsFn = void (*)(const float* rows, std::int64_t n_rows, std::int64_t n_per_row,
                              const float* importance, std::byte* out);
using DecodeRowsFn = void (*)(const std::byte* in, std::int64_t n_rows, std::int64_t n_per_row,
                              float* rows);

struct MatmulKernel;     // kernels/matmul_kernel.h
struct ActivationBlock;  // kernels/matmul/activation_block.h

// A slot for each DType, then for MLX's affine mode by width, mxfp4, mxfp8, nvfp4:
// matmul_slot() in kernels/matmul_kernel.h.
inline constexpr std::size_t kMatmulSlots = kDTypeCount + 9;

struct KernelTable {
  Isa isa;
  std::array<EncodeRowsFn, kDTypeCount> encode{};          // by DType; float types included
  std::array<DecodeRowsFn, kDTypeCount> decode{};          // by DType; float types and FP8 included
  std::array<const MatmulKernel*, kMatmulSlots> matmul{};  // by type of the weights
  // x: n_blocks x 32 floats, see kernels/matmul.h.
  void (*quantize_activations)(const float* x, std::int64_t n_blocks,
                               ActivationBlock* out) = nullptr;
  // Index of the first NaN or infinity among n floats, -1 when there is none.
  std::int64_t (*find_non_finite)(const float* values, std::int64_t n) = nullptr;
  OpsKernels ops{};
};

// Tables this machine can run, narrowest (generic) first.
std::span<const KernelTable* const> all_kernel_tables();

// The table in use: the widest the machine runs, or the one PAJAMAS_CPU names. An unknown name, or
// a set this machine lacks, is an error (programs call this once at start and stop on it).
Result<const KernelTable*> select_kernels();

// With an explicit table (nullptr: the selected one; PJ_CHECKs that select_kernels() works).
void encode_rows(const KernelTable* table, DType dtype, const float* rows, std::int64_t n_rows,
                 std::int64_t n_per_row, const float* importance, std::byte* out);
void decode_rows(const KernelTable* table, DType dtype, const std::byte* in, std::int64_t n_rows,
                 std::int64_t n_per_row, float* rows);
std::int64_t find_non_finite(const KernelTable* table, const float* values, std::int64_t n);

}  // namespace pajamas
