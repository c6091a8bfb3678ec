// SPDX-License-Identifier: Apache-2.0
// The scalar versions of prepare_activations(), and its dispatch.
#include <cstring>

#include "base/check.h"
#include "kernels/matmul.h"
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
  }
  return 0;
}

void prepare_row(ActivationForm form, const float* x, std::int64_t cols, std::byte* out) {
  if (form == ActivationForm::kF32) {
    if (cols > 0) std::memcpy(out, x, static_cast<std::size_t>(cols) * sizeof(float));
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
