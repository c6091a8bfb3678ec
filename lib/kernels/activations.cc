// SPDX-License-Identifier: Apache-2.0
// The scalar versions of prepare_activations(), and its dispatch.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kernels/kernel_parts.h"
#include "kernels/matmul.h"
#include "kernels/matmul/activation_block.h"

namespace pajamas {
namespace {

std::uint64_t used_bytes(ActivationForm form, std::int64_t cols) {
  const auto n = static_cast<std::uint64_t>(cols);
  switch (form) {
    case ActivationForm::kF32:
      return n * sizeof(float);
    case ActivationForm::kBF16:
      return n * sizeof(std::uint16_t);
    case ActivationForm::kQ8:
      return (n + kBlockCols - 1) / kBlockCols * sizeof(ActivationBlock);
  }
  return 0;
}

// The codes of one block, its n columns up to kBlockCols.
ActivationBlock quantize_block(const float* x, std::int64_t n) {
  std::int32_t peak = 0;
  for (std::int64_t col = 0; col < n; ++col) {
    peak = std::max(peak, std::bit_cast<std::int32_t>(x[col]) & 0x7fffffff);
  }
  const BlockScale scale = scale_of_peak(peak);
  ActivationBlock block{};
  std::int32_t sums[2] = {0, 0};
  for (std::int64_t col = 0; col < n && !scale.is_bad; ++col) {
    const auto code = static_cast<std::int32_t>(std::nearbyint(x[col] * scale.inverse));
    block.codes[col] = static_cast<std::int8_t>(code);
    sums[col / 16] += code;
  }
  finish_block(scale, sums, block);
  return block;
}

void quantize_row(const KernelTable* table, const float* x, std::int64_t cols, std::byte* out) {
  auto* const blocks = reinterpret_cast<ActivationBlock*>(out);
  const auto quantize =
      find_in_tables(table, [](const KernelTable& t) { return t.quantize_activations; });
  const std::int64_t n_blocks = (cols + kBlockCols - 1) / kBlockCols;
  std::int64_t block = quantize == nullptr ? 0 : cols / kBlockCols;
  if (block > 0) quantize(x, block, blocks);
  for (; block < n_blocks; ++block) {
    const std::int64_t col = block * kBlockCols;
    blocks[block] = quantize_block(x + col, std::min<std::int64_t>(kBlockCols, cols - col));
  }
  for (block = 0; block + kChunkSums <= n_blocks; block += kChunkSums) finish_chunk(blocks + block);
}

void prepare_row(const KernelTable* table, ActivationForm form, const float* x, std::int64_t cols,
                 std::byte* out) {
  switch (form) {
    case ActivationForm::kF32:
      if (cols > 0) std::memcpy(out, x, static_cast<std::size_t>(cols) * sizeof(float));
      return;
    case ActivationForm::kBF16:
      encode_rows(table, DType::kBF16, x, 1, cols, nullptr, out);
      return;
    case ActivationForm::kQ8:
      quantize_row(table, x, cols, out);
      return;
  }
}

}  // namespace

std::uint64_t activation_row_bytes(ActivationForm form, std::int64_t cols) {
  PJ_CHECK(cols >= 0);
  return (used_bytes(form, cols) + kMatmulAlignment - 1) / kMatmulAlignment * kMatmulAlignment;
}

void prepare_activations(const KernelTable* table, ActivationForm form, const float* x,
                         std::int64_t tokens, std::int64_t cols, std::byte* out) {
  const std::uint64_t used = used_bytes(form, cols);
  const std::uint64_t bytes = activation_row_bytes(form, cols);
  for (std::int64_t token = 0; token < tokens; ++token) {
    std::byte* const row = out + static_cast<std::uint64_t>(token) * bytes;
    prepare_row(table, form, x + token * cols, cols, row);
    std::memset(row + used, 0, bytes - used);
  }
}

}  // namespace pajamas
