// SPDX-License-Identifier: Apache-2.0
// MLX's types between a row's record and its packed form.
#include <algorithm>
#include <cstring>

#include "codecs/mlx/code_packing.h"
#include "kernels/matmul/mxfp8_block.h"
#include "kernels/matmul/row_chunk.h"

namespace pajamas {
namespace {

void make_bytes_of_mxfp8(int n_blocks, RowChunk& chunk) {
  for (int block = 0; block < n_blocks; ++block) {
    const std::span<std::uint8_t, kMxfp8BlockCols> codes(chunk.codes + kMxfp8BlockCols * block,
                                                         kMxfp8BlockCols);
    chunk.bytes[block] = bytes_of_mxfp8(chunk.bytes[block], codes);
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
  if (!quantization.has_biases()) {
    std::memcpy(chunk.bytes, view.scales.data(), view.scales.size());
    if (quantization.mode == MlxMode::kMxfp8)
      make_bytes_of_mxfp8(static_cast<int>(n / kMxfp8BlockCols), chunk);
    return;
  }
  split_params(view.scales, type.dtype(), chunk.halves);
  split_params(view.biases, type.dtype(), chunk.halves + view.scales.size() / 2);
}

void join_mlx(WeightType type, const RowChunk& chunk, std::int64_t n, std::byte* record) {
  const MlxQuantization quantization = type.quantization();
  RowChunk own = chunk;
  if (quantization.mode == MlxMode::kMxfp8) {
    codes_of_mxfp8_bytes({own.codes, static_cast<std::size_t>(n)});
  }
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
