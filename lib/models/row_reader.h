// SPDX-License-Identifier: Apache-2.0
// Rows of a source tensor as F32, whatever they are stored as.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "kernels/kernel_table.h"
#include "tensor/tensor_source.h"

namespace pajamas {

// Thread-safe: holds no state between calls.
class RowReader {
 public:
  // fp8_block: rows and columns of FP8 weights that share one weight_scale_inv.
  RowReader(const TensorSource& source, const KernelTable* kernels,
            std::vector<std::int64_t> fp8_block)
      : source_(source), kernels_(kernels), fp8_block_(std::move(fp8_block)) {}

  // Whether rows of this tensor can be decoded; an error naming tensor and type otherwise. For FP8
  // weights this checks their scales too.
  [[nodiscard]] Status check(const TensorInfo& tensor) const;

  // raw: the stored bytes of `row_count` rows of `cols` from `first_row` on; out: row_count * cols
  // floats. `cols` is the tensor's own, or 1 to read a vector as rows.
  [[nodiscard]] Status decode(const TensorInfo& tensor, std::int64_t cols, std::int64_t first_row,
                              std::int64_t row_count, std::span<const std::byte> raw,
                              float* out) const;

 private:
  [[nodiscard]] const TensorInfo* fp8_scales(const TensorInfo& tensor) const;
  [[nodiscard]] Status apply_fp8_scales(const TensorInfo& tensor, std::int64_t first_row,
                                        std::int64_t row_count, float* rows) const;

  const TensorSource& source_;
  const KernelTable* kernels_;
  std::vector<std::int64_t> fp8_block_;
};

}  // namespace pajamas
