// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a forward pass between the matrix products: norms, activations, rotations.
//
// Each call works on one row in F32 and is pure; the caller splits rows among threads. The same
// input gives the same bits in every call with the same table. Tables differ within the errors
// stated in docs/attention.md. `table`: nullptr means the selected one. Rows may have any length;
// NaN and infinity give what the formula gives, never a crash. `out` may be an input of the call.
#pragma once

#include <cstdint>

#include "kernels/kernel_table.h"

namespace pajamas {

// out = x / sqrt(mean(x^2) + eps) * weight. weight: nullptr or n floats.
void rms_norm(const KernelTable* table, const float* x, const float* weight, std::int64_t n,
              float eps, float* out);

void add_to(const KernelTable* table, float* x, const float* y, std::int64_t n);  // x += y
void scale_by(const KernelTable* table, float* x, std::int64_t n, float factor);  // x *= factor
void softcap(const KernelTable* table, float* x, std::int64_t n, float cap);  // cap * tanh(x / cap)

// out = act(gate) * up; silu(g) = g / (1 + exp(-g)), gelu in its tanh form.
void silu_mul(const KernelTable* table, const float* gate, const float* up, std::int64_t n,
              float* out);
void gelu_tanh_mul(const KernelTable* table, const float* gate, const float* up, std::int64_t n,
                   float* out);

void softmax(const KernelTable* table, float* x, std::int64_t n);

// Index of the first largest element that is no NaN; 0 when there is none. n >= 1.
std::int64_t argmax(const KernelTable* table, const float* x, std::int64_t n);

// Which elements turn together: (2i, 2i+1), or (i, i + rotated/2).
enum class RopeLayout { kInterleaved, kHalves };

// Rotates the first `rotated` (even, <= head_dim) elements of each head, in place; heads are
// contiguous. cos, sin: rotated/2 values of this position.
void rope(const KernelTable* table, float* x, std::int64_t heads, std::int64_t head_dim,
          std::int64_t rotated, const float* cos, const float* sin, RopeLayout layout);

}  // namespace pajamas
