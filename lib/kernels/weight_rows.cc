// SPDX-License-Identifier: Apache-2.0
#include "kernels/weight_rows.h"

#include "codecs/mlx/mlx_codec.h"

namespace pajamas {

void decode_weights(const KernelTable* table, WeightType type, const std::byte* in,
                    std::int64_t n_rows, std::int64_t n_per_row, float* rows) {
  if (!type.is_mlx()) return decode_rows(table, type.dtype(), in, n_rows, n_per_row, rows);
  const std::uint64_t bytes = row_bytes(type, n_per_row);
  for (std::int64_t row = 0; row < n_rows; ++row) {
    decode_row_part(table, type, in + static_cast<std::uint64_t>(row) * bytes, n_per_row, 0,
                    n_per_row, rows + row * n_per_row);
  }
}

void decode_row_part(const KernelTable* table, WeightType type, const std::byte* row,
                     std::int64_t n_per_row, std::int64_t first_col, std::int64_t n, float* out) {
  if (n == 0) return;
  if (!type.is_mlx()) {
    return decode_rows(table, type.dtype(), row + row_bytes(type, first_col), 1, n, out);
  }
  decode_mlx_row(type.quantization(), type.dtype(),
                 view_mlx_record(type, row, n_per_row, first_col, n),
                 {out, static_cast<std::size_t>(n)});
}

}  // namespace pajamas
