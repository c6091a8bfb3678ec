// SPDX-License-Identifier: Apache-2.0
// The scalar versions of prepare_activations(), and its dispatch.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kernels/matmul.h"
#include "kernels/matmul/activation_block.h"
#include "tensor/half.h"

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
  const std::int32_t exponent = std::max(kLeastPeakExponent, (peak + kPeakCarry) >> 23);
  const bool is_bad = exponent > kMostPeakExponent;
  ActivationBlock block{};
  const std::int32_t base = is_bad ? kBadBase : ((exponent + kBaseExponent) << 23) | kBaseMantissa;
  const float scale = std::bit_cast<float>(is_bad ? kBadBase : (exponent + kScaleExponent) << 23);
  const float inverse = std::bit_cast<float>(is_bad ? 0 : (kInverseExponent - exponent) << 23);
  std::int32_t sums[2] = {0, 0};
  for (std::int64_t col = 0; col < n && !is_bad; ++col) {
    const auto code = static_cast<std::int32_t>(std::nearbyint(x[col] * inverse));
    block.codes[col] = static_cast<std::int8_t>(code);
    sums[col / 16] += code;
  }
  block.base = std::bit_cast<float>(base);
  block.biased_start = base - 128 * (sums[0] + sums[1]);
  block.sum = scale * static_cast<float>(sums[0] + sums[1]);
  for (int half = 0; half < 2; ++half) {
    block.half_biased_start[half] = base - 128 * sums[half];
    block.half_sum[half] = scale * static_cast<float>(sums[half]);
  }
  return block;
}

void quantize_row(const float* x, std::int64_t cols, std::byte* out) {
  for (std::int64_t col = 0; col < cols; col += kBlockCols) {
    const ActivationBlock block =
        quantize_block(x + col, std::min<std::int64_t>(kBlockCols, cols - col));
    std::memcpy(out, &block, sizeof(block));
    out += sizeof(block);
  }
}

void prepare_row(ActivationForm form, const float* x, std::int64_t cols, std::byte* out) {
  if (form == ActivationForm::kF32) {
    if (cols > 0) std::memcpy(out, x, static_cast<std::size_t>(cols) * sizeof(float));
    return;
  }
  if (form == ActivationForm::kQ8) {
    quantize_row(x, cols, out);
    return;
  }
  for (std::int64_t col = 0; col < cols; ++col) {
    const std::uint16_t bits = f32_to_bf16(x[col]);
    std::memcpy(out + static_cast<std::size_t>(col) * sizeof(bits), &bits, sizeof(bits));
  }
}

}  // namespace

std::uint64_t activation_row_bytes(ActivationForm form, std::int64_t cols) {
  PJ_CHECK(cols >= 0);
  return (used_bytes(form, cols) + kMatmulAlignment - 1) / kMatmulAlignment * kMatmulAlignment;
}

void prepare_activations(const KernelTable* /*table*/, ActivationForm form, const float* x,
                         std::int64_t tokens, std::int64_t cols, std::byte* out) {
  const std::uint64_t used = used_bytes(form, cols);
  const std::uint64_t bytes = activation_row_bytes(form, cols);
  for (std::int64_t token = 0; token < tokens; ++token) {
    std::byte* const row = out + static_cast<std::uint64_t>(token) * bytes;
    prepare_row(form, x + token * cols, cols, row);
    std::memset(row + used, 0, bytes - used);
  }
}

}  // namespace pajamas
