// SPDX-License-Identifier: Apache-2.0
// Rows of a model's output tensors, ready to use: transforms applied, in the type the tensor has
// when nothing quantizes it.
//
// Borrows the model. All const methods may be called from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/error.h"
#include "kernels/kernel_table.h"
#include "models/opened_model.h"
#include "models/row_reader.h"

namespace pajamas {

class OutputRows {
 public:
  OutputRows(const OpenedModel& model, const KernelTable* kernels)
      : model_(model), kernels_(kernels), reader_(*model.tensors, kernels, model.fp8_block) {}

  // Whether the tensor's pieces are in the source, large enough, and of types that can be read.
  [[nodiscard]] Status check(const OutputTensor& tensor) const;

  // Rows [first_row, first_row + row_count) of a tensor that check() accepts, as stored rows of
  // unquantized_dtype(). `out` has the bytes of exactly those rows.
  [[nodiscard]] Status read(const OutputTensor& tensor, std::int64_t first_row,
                            std::int64_t row_count, std::span<std::byte> out) const;

  // The same rows as F32, never rounded to another type on the way: what quantization starts from.
  // Constants too, but not reordered vectors, which read_vector() gives. `out` has row_count rows.
  [[nodiscard]] Status read_floats(const OutputTensor& tensor, std::int64_t first_row,
                                   std::int64_t row_count, std::span<float> out) const;

  // The same as stored rows of stored_type(): the records of MLX's types.
  [[nodiscard]] Status read_stored(const OutputTensor& tensor, std::int64_t first_row,
                                   std::int64_t row_count, std::span<std::byte> out) const;

  // The whole of a small tensor (a norm, a bias) as F32.
  [[nodiscard]] Result<std::vector<float>> read_vector(const OutputTensor& tensor) const;

 private:
  // Reads rows of a source tensor, from `first_row` on, as many as fill `out`.
  using ReadRows = std::function<Status(const TensorInfo& source, std::int64_t first_row,
                                        std::int64_t row_count, std::span<std::byte> out)>;
  [[nodiscard]] Status read_pieces(const OutputTensor& tensor, std::int64_t first_row,
                                   std::int64_t row_count, std::span<std::byte> out,
                                   const ReadRows& read_rows) const;
  [[nodiscard]] Status read_piece(const Piece& piece, std::int64_t first_row,
                                  std::int64_t row_count, std::span<std::byte> out,
                                  const ReadRows& read_rows) const;
  [[nodiscard]] Status read_source_rows(const OutputTensor& tensor, const TensorInfo& source,
                                        std::int64_t first_row, std::int64_t row_count,
                                        std::span<std::byte> out) const;

  const OpenedModel& model_;
  const KernelTable* kernels_;
  RowReader reader_;
};

}  // namespace pajamas
