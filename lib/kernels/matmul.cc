// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>

#include "base/check.h"
#include "base/cpu_features.h"
#include "codecs/codec.h"
#include "kernels/kernel_parts.h"
#include "kernels/matmul_kernel.h"

namespace pajamas {
namespace {

constexpr int kZen5Family = 0x1a;

// What was fastest on the processors that were measured; docs/kernels.md says why.
std::int64_t fetch_distance() {
  if (cpu_is_intel()) return 4096;
  if (cpu_amd_family() >= kZen5Family) return 6144;
  // AMD before Zen 4, which has AVX-512.
  return cpu_supports(Isa::kAvx2) && !cpu_supports(Isa::kAvx512) ? 1024 : 0;
}

const MatmulKernel& kernel_of(const KernelTable* table, WeightType type) {
  PJ_CHECK(can_pack(table, type));
  const MatmulKernel* const kernel =
      find_in_tables(table, [&](const KernelTable& t) { return t.matmul[matmul_slot(type)]; });
  PJ_CHECK(kernel != nullptr);
  return *kernel;
}

bool is_whole_blocks(WeightType type, std::int64_t cols) {
  return cols >= 0 && cols % type.block_elems() == 0;
}

}  // namespace

const std::int64_t kFetchAhead = fetch_distance();

bool can_pack(const KernelTable* /*table*/, WeightType type) {
  return type.is_mlx() || find_codec(type.dtype()) != nullptr || is_plain_float(type.dtype());
}

std::uint64_t packed_bytes(const KernelTable* table, WeightType type, std::int64_t rows,
                           std::int64_t cols) {
  PJ_CHECK(rows >= 0 && is_whole_blocks(type, cols));
  const auto groups = static_cast<std::uint64_t>((rows + kPackRows - 1) / kPackRows);
  return groups * kernel_of(table, type).group_bytes(type, cols);
}

void pack_rows(const KernelTable* table, WeightType type, std::int64_t rows, std::int64_t cols,
               const std::byte* stored, std::int64_t first_row, std::int64_t n_rows,
               std::byte* packed) {
  PJ_CHECK(first_row >= 0 && n_rows >= 0 && first_row + n_rows <= rows);
  PJ_CHECK(first_row % kPackRows == 0);
  PJ_CHECK(n_rows % kPackRows == 0 || first_row + n_rows == rows);
  PJ_CHECK(is_whole_blocks(type, cols));
  const MatmulKernel& kernel = kernel_of(table, type);
  const std::uint64_t group_bytes = kernel.group_bytes(type, cols);
  const std::uint64_t stored_bytes = row_bytes(type, cols);
  std::byte* group = packed + static_cast<std::uint64_t>(first_row / kPackRows) * group_bytes;
  for (std::int64_t row = 0; row < n_rows; row += kPackRows) {
    kernel.pack_group(type, cols, stored + static_cast<std::uint64_t>(row) * stored_bytes,
                      std::min(kPackRows, n_rows - row), group);
    group += group_bytes;
  }
}

ActivationForm activation_form(const KernelTable* table, WeightType weight, std::int64_t /*cols*/) {
  return kernel_of(table, weight).form;
}

void matmul(const PackedMatrix& weights, ActivationForm form, const std::byte* activations,
            std::int64_t tokens, std::int64_t row_begin, std::int64_t row_end, float* out,
            std::int64_t out_stride) {
  PJ_CHECK(row_begin >= 0 && row_begin % kPackRows == 0 && row_end <= weights.rows);
  const MatmulKernel& kernel = kernel_of(weights.table, weights.type);
  PJ_CHECK(form == kernel.form);
  if (tokens <= 0 || row_begin >= row_end) return;
  if (weights.cols == 0) {
    for (std::int64_t token = 0; token < tokens; ++token) {
      std::fill(out + token * out_stride + row_begin, out + token * out_stride + row_end, 0.0F);
    }
    return;
  }
  kernel.multiply({
      .type = weights.type,
      .cols = weights.cols,
      .groups = weights.data,
      .activations = activations,
      .activation_bytes = static_cast<std::int64_t>(activation_row_bytes(form, weights.cols)),
      .tokens = tokens,
      .row_begin = row_begin,
      .row_end = row_end,
      .out = out,
      .out_stride = out_stride,
  });
}

void unpack_row(const PackedMatrix& weights, std::int64_t row, float* out) {
  PJ_CHECK(row >= 0 && row < weights.rows);
  const MatmulKernel& kernel = kernel_of(weights.table, weights.type);
  const auto group = static_cast<std::uint64_t>(row / kPackRows);
  kernel.unpack_row(weights.type, weights.cols,
                    weights.data + group * kernel.group_bytes(weights.type, weights.cols),
                    row % kPackRows, out);
}

}  // namespace pajamas
