// SPDX-License-Identifier: Apache-2.0
// One entry of a kernel table: how one weight type is packed and multiplied.
//
// matmul.h checks arguments and splits ranges into groups of kPackRows rows; the functions here see
// whole groups. A group of rows is contiguous and group_bytes long, aligned to kMatmulAlignment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/weight_type.h"

namespace pajamas {

enum class ActivationForm : std::uint8_t;

// The arguments of one multiplication: rows [row_begin, row_end) of a matrix.
struct MatmulTask {
  WeightType type;
  std::int64_t cols;
  const std::byte* groups;  // the packed matrix from its first row on
  const std::byte* activations;
  std::int64_t activation_bytes;  // from one token's row to the next
  std::int64_t tokens;
  std::int64_t row_begin;  // a multiple of kPackRows
  std::int64_t row_end;
  float* out;  // out[token * out_stride + row]
  std::int64_t out_stride;
};

// One token's products fetch weights this many bytes ahead; 0: the processor fetches by itself. On
// Cascade Lake that made generation 13 to 30 % faster (4 KB), on Zen 3 Q4_K_M, Q4_0, Q6_K and BF16
// 4 to 27 % (1 KB), on Zen 5 Q4_K_M, Q4_0 and Q6_K 20 to 30 % (6 KB); on Zen 4 it made it slower.
extern const std::int64_t kFetchAhead;

struct MatmulKernel {
  ActivationForm form;
  std::uint64_t (*group_bytes)(WeightType type, std::int64_t cols);
  // stored: n_rows (1 .. kPackRows) rows as in the file; missing rows count as zeros.
  void (*pack_group)(WeightType type, std::int64_t cols, const std::byte* stored,
                     std::int64_t n_rows, std::byte* group);
  void (*multiply)(const MatmulTask& task);
  void (*unpack_row)(WeightType type, std::int64_t cols, const std::byte* group,
                     std::int64_t row_in_group, float* out);
};

// Of KernelTable::matmul. One kernel serves all group sizes and scale types of a width.
constexpr std::size_t matmul_slot(WeightType type) {
  if (!type.is_mlx()) return static_cast<std::size_t>(type.dtype());
  const MlxQuantization quantization = type.quantization();
  switch (quantization.mode) {
    case MlxMode::kAffine:
      return kDTypeCount +
             (quantization.bits == 8 ? 5U : static_cast<unsigned>(quantization.bits) - 2U);
    case MlxMode::kMxfp4:
      return kDTypeCount + 6;
    case MlxMode::kMxfp8:
      return kDTypeCount + 7;
    case MlxMode::kNvfp4:
      return kDTypeCount + 8;
  }
  return 0;
}

}  // namespace pajamas
