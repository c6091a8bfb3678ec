// SPDX-License-Identifier: Apache-2.0
// MLX's types between a row's record and its packed form.
#include <algorithm>
#include <cstring>

#include "codecs/mlx/code_packing.h"
#include "kernels/matmul/row_chunk.h"

namespace pajamas {
namespace {

// mxfp8: columns 1 and 2 of each word change places.
void swap_middle_codes(RowChunk& chunk) {
  for (int word = 0; word < kChunkCols; word += 4) {
    std::swap(chunk.codes[word + 1], chunk.codes[word + 2]);
  }
}

// Scales or biases to 16-bit fields, the upper halves of F32 ones after all the lower ones.
void split_params(std::span<const std::byte> params, DType dtype, std::uint16_t* halves) {
  if (dtype != DType::kF32) {
    std::memcpy(halves, params.data(), params.size());
    return;
  }
  const std::size_t count = params.size() / sizeof(float);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(halves + i, params.data() + 4 * i, 2);
    std::memcpy(halves + count + i, params.data() + 4 * i + 2, 2);
  }
}
void join_params(const std::uint16_t* halves, DType dtype, std::size_t bytes, std::byte* params) {
  if (dtype != DType::kF32) {
    std::memcpy(params, halves, bytes);
    return;
  }
  const std::size_t count = bytes / sizeof(float);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(params + 4 * i, halves + i, 2);
    std::memcpy(params + 4 * i + 2, halves + count + i, 2);
  }
}

}  // namespace

PackedForm mlx_packed_form(WeightType type) {
  const MlxQuantization quantization = type.quantization();
  switch (quantization.mode) {
    case MlxMode::kAffine:
      return mlx_affine_form(quantization.bits, quantization.group_size, type.dtype());
    case MlxMode::kMxfp4:
      return kMlxMxfp4Form;
    case MlxMode::kMxfp8:
      return kMlxMxfp8Form;
    case MlxMode::kNvfp4:
      return kMlxNvfp4Form;
  }
  return {};
}

void split_mlx(WeightType type, std::int64_t cols, const std::byte* record, std::int64_t col,
               RowChunk& chunk) {
  const MlxQuantization quantization = type.quantization();
  const std::int64_t n = std::min<std::int64_t>(kChunkCols, cols - col);
  const MlxRowView view = view_mlx_record(type, record, cols, col, n);
  if (n < kChunkCols) chunk = {};
  with_bits(quantization.bits, [&]<int kBits>() {
    unpack_codes<kBits>(view.codes.data(), {chunk.codes, static_cast<std::size_t>(n)});
  });
  if (quantization.mode == MlxMode::kMxfp8) swap_middle_codes(chunk);
  if (!quantization.has_biases()) {
    std::memcpy(chunk.bytes, view.scales.data(), view.scales.size());
    return;
  }
  split_params(view.scales, type.dtype(), chunk.halves);
  split_params(view.biases, type.dtype(), chunk.halves + view.scales.size() / 2);
}

void join_mlx(WeightType type, const RowChunk& chunk, std::int64_t n, std::byte* record) {
  const MlxQuantization quantization = type.quantization();
  RowChunk own = chunk;
  if (quantization.mode == MlxMode::kMxfp8) swap_middle_codes(own);
  with_bits(quantization.bits, [&]<int kBits>() {
    pack_codes<kBits>({own.codes, static_cast<std::size_t>(n)}, record);
  });
  std::byte* const scales = record + quantization.code_bytes(n);
  const auto bytes = static_cast<std::size_t>(quantization.scale_bytes(n, type.dtype()));
  if (!quantization.has_biases()) {
    std::memcpy(scales, own.bytes, bytes);
    return;
  }
  join_params(own.halves, type.dtype(), bytes, scales);
  join_params(own.halves + bytes / 2, type.dtype(), bytes, scales + bytes);
}

}  // namespace pajamas
