// SPDX-License-Identifier: Apache-2.0
#include "kernels/vector_ops.h"

#include "base/check.h"
#include "kernels/kernel_parts.h"

namespace pajamas {
namespace {

// The function behind a member of OpsKernels for `table`; generic has all of them.
template <auto kMember>
auto op(const KernelTable* table) {
  const auto found = find_in_tables(table, [](const KernelTable& t) { return t.ops.*kMember; });
  PJ_CHECK(found != nullptr);
  return found;
}

}  // namespace

void rms_norm(const KernelTable* table, const float* x, const float* weight, std::int64_t n,
              float eps, float* out) {
  op<&OpsKernels::rms_norm>(table)(x, weight, n, eps, out);
}

void add_to(const KernelTable* table, float* x, const float* y, std::int64_t n) {
  op<&OpsKernels::add_to>(table)(x, y, n);
}

void scale_by(const KernelTable* table, float* x, std::int64_t n, float factor) {
  op<&OpsKernels::scale_by>(table)(x, n, factor);
}

void softcap(const KernelTable* table, float* x, std::int64_t n, float cap) {
  op<&OpsKernels::softcap>(table)(x, n, cap);
}

void silu_mul(const KernelTable* table, const float* gate, const float* up, std::int64_t n,
              float* out) {
  op<&OpsKernels::silu_mul>(table)(gate, up, n, out);
}

void gelu_tanh_mul(const KernelTable* table, const float* gate, const float* up, std::int64_t n,
                   float* out) {
  op<&OpsKernels::gelu_tanh_mul>(table)(gate, up, n, out);
}

void softmax(const KernelTable* table, float* x, std::int64_t n) {
  op<&OpsKernels::softmax>(table)(x, n);
}

std::int64_t argmax(const KernelTable* table, const float* x, std::int64_t n) {
  PJ_CHECK(n >= 1);
  return op<&OpsKernels::argmax>(table)(x, n);
}

void rope(const KernelTable* table, float* x, std::int64_t heads, std::int64_t head_dim,
          std::int64_t rotated, const float* cos, const float* sin, RopeLayout layout) {
  PJ_CHECK(rotated >= 0 && rotated % 2 == 0 && rotated <= head_dim);
  op<&OpsKernels::rope>(table)(x, heads, head_dim, rotated, cos, sin, layout);
}

}  // namespace pajamas
