// SPDX-License-Identifier: Apache-2.0
// decode_rows() for weights of any type, those of MLX included. Pure, for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/weight_type.h"
#include "kernels/kernel_table.h"

namespace pajamas {

// in: n_rows x row_bytes(type, n_per_row) bytes. table: nullptr for the selected one.
void decode_weights(const KernelTable* table, WeightType type, const std::byte* in,
                    std::int64_t n_rows, std::int64_t n_per_row, float* rows);

// Columns [first_col, first_col + n) of one row of n_per_row, whole blocks.
void decode_row_part(const KernelTable* table, WeightType type, const std::byte* row,
                     std::int64_t n_per_row, std::int64_t first_col, std::int64_t n, float* out);

}  // namespace pajamas
