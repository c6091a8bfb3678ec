// SPDX-License-Identifier: Apache-2.0
// Any type that decode_weights() knows, multiplied in F32: the definition of what the fast kernels
// approximate, and the fallback for what they lack. Packed rows are the stored ones.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_parts.h"
#include "kernels/kernel_table.h"
#include "kernels/matmul.h"
#include "kernels/matmul_kernel.h"
#include "kernels/weight_rows.h"

namespace pajamas::generic {
namespace {

constexpr std::int64_t kChunk = 256;  // columns decoded at a time; a multiple of every block
constexpr std::int64_t kTile = 8;     // tokens that share a decoded chunk
constexpr std::int64_t kSums = 16;    // partial sums of a dot product

using Sums = std::array<float, kSums>;

std::uint64_t group_bytes(WeightType type, std::int64_t cols) {
  const std::uint64_t bytes = kPackRows * row_bytes(type, cols);
  return (bytes + kMatmulAlignment - 1) / kMatmulAlignment * kMatmulAlignment;
}

void pack_group(WeightType type, std::int64_t cols, const std::byte* stored, std::int64_t n_rows,
                std::byte* group) {
  const std::uint64_t used = static_cast<std::uint64_t>(n_rows) * row_bytes(type, cols);
  if (used > 0) std::memcpy(group, stored, used);
  std::memset(group + used, 0, group_bytes(type, cols) - used);
}

void unpack_row(WeightType type, std::int64_t cols, const std::byte* group,
                std::int64_t row_in_group, float* out) {
  const std::byte* const row =
      group + static_cast<std::uint64_t>(row_in_group) * row_bytes(type, cols);
  decode_weights(all_kernel_tables().front(), type, row, 1, cols, out);
}

void add_products(const float* weights, const float* x, std::int64_t n, Sums& sums) {
  std::int64_t col = 0;
  for (; col + kSums <= n; col += kSums) {
    for (std::int64_t lane = 0; lane < kSums; ++lane) {
      sums[static_cast<std::size_t>(lane)] += weights[col + lane] * x[col + lane];
    }
  }
  for (std::int64_t lane = 0; col + lane < n; ++lane) {
    sums[static_cast<std::size_t>(lane)] += weights[col + lane] * x[col + lane];
  }
}

float total(const Sums& sums) {
  float sum = 0.0F;
  for (const float part : sums) sum += part;
  return sum;
}

// One row times the tokens [first_token, first_token + n_tokens), n_tokens <= kTile.
void multiply_row(const MatmulTask& task, std::int64_t row, std::int64_t first_token,
                  std::int64_t n_tokens) {
  const auto group = static_cast<std::uint64_t>(row / kPackRows);
  const std::byte* const stored =
      task.groups + group * group_bytes(task.type, task.cols) +
      static_cast<std::uint64_t>(row % kPackRows) * row_bytes(task.type, task.cols);
  std::array<float, kChunk> weights;
  std::array<Sums, kTile> sums{};
  for (std::int64_t col = 0; col < task.cols; col += kChunk) {
    const std::int64_t n = std::min(kChunk, task.cols - col);
    decode_row_part(all_kernel_tables().front(), task.type, stored, task.cols, col, n,
                    weights.data());
    for (std::int64_t token = 0; token < n_tokens; ++token) {
      const auto* const x = reinterpret_cast<const float*>(
          task.activations + (first_token + token) * task.activation_bytes);
      add_products(weights.data(), x + col, n, sums[static_cast<std::size_t>(token)]);
    }
  }
  for (std::int64_t token = 0; token < n_tokens; ++token) {
    task.out[(first_token + token) * task.out_stride + row] =
        total(sums[static_cast<std::size_t>(token)]);
  }
}

void multiply(const MatmulTask& task) {
  for (std::int64_t token = 0; token < task.tokens; token += kTile) {
    for (std::int64_t row = task.row_begin; row < task.row_end; ++row) {
      multiply_row(task, row, token, std::min(kTile, task.tokens - token));
    }
  }
}

constexpr MatmulKernel kAnyType{.form = ActivationForm::kF32,
                                .group_bytes = group_bytes,
                                .pack_group = pack_group,
                                .multiply = multiply,
                                .unpack_row = unpack_row};

}  // namespace

void add_matmul(KernelTable& table) { table.matmul.fill(&kAnyType); }

}  // namespace pajamas::generic
