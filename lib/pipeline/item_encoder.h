// SPDX-License-Identifier: Apache-2.0
// What one worker does with the rows of a work item: decode them once, then encode them for each
// output.
//
// Keeps its buffers between items; one object per worker, not thread-safe. Buffers hold at most
// kEncoderBytesPerElem for each element of the largest item.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "models/row_reader.h"
#include "pipeline/journal.h"
#include "pipeline/plan.h"
#include "pipeline/work_list.h"

namespace pajamas {

// Stored bytes (up to 4), F32 rows, the same transformed and decoded again, encoded bytes (up to
// 4).
inline constexpr std::uint64_t kEncoderBytesPerElem = 20;

// A piece of a tensor's part: `bytes` go to `offset` in the part.
struct EncodedPart {
  std::uint64_t offset = 0;
  std::span<const std::byte> bytes;
};

class ItemEncoder {
 public:
  // The stored bytes of an item go in here.
  [[nodiscard]] std::span<std::byte> raw_buffer(const WorkItem& item);

  // Decodes what raw_buffer() was filled with. Errors: NaN or infinity, with its place.
  Status load(const RowReader& reader, const WorkItem& item, const OutputTensor& tensor);

  // The loaded rows as the output stores them, one piece per part of the tensor; valid until the
  // next call. Adds the error of the sampled rows to `stats`.
  Result<std::span<const EncodedPart>> encode(const PlannedOutput& output,
                                              const PlannedTensor& planned, TensorStats& stats);

 private:
  const float* gguf_rows();
  Status encode_plain(const PlannedTensor& planned, const float* rows, TensorStats& stats);
  Status encode_mlx(const PlannedOutput& output, const PlannedTensor& planned, TensorStats& stats);
  Status check_f16_range(const float* rows);
  void measure_error(DType dtype, const float* rows, TensorStats& stats);
  Status round_row(const float* row, DType dtype);
  [[nodiscard]] std::unexpected<Error> out_of_range(DType dtype, float value) const;

  WorkItem item_;
  const OutputTensor* tensor_ = nullptr;
  bool is_transformed_ = false;
  std::vector<std::byte> raw_;
  std::vector<float> rows_;         // as the source has them
  std::vector<float> transformed_;  // as GGUF has them, where that differs
  std::vector<std::byte> encoded_;
  std::vector<float> decoded_;
  std::vector<float> rounded_;  // a row in the type of an MLX folder
  std::vector<EncodedPart> parts_;
};

}  // namespace pajamas
