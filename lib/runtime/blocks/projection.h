// SPDX-License-Identifier: Apache-2.0
// Matrix products of the graph: several matrices on one input, or stacks of experts on rows that
// were sorted by expert.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/blocks/forward_context.h"
#include "runtime/linear.h"

namespace pajamas {

// x: rows x cols, contiguous. Each row of `out` gets the products of all linears side by side.
void project(ForwardContext& context, std::span<const Linear> linears, const float* x,
             std::int64_t rows, float* out, std::int64_t out_stride);

inline void project(ForwardContext& context, const Linear& linear, const float* x,
                    std::int64_t rows, float* out) {
  project(context, {&linear, 1}, x, rows, out, linear.rows());
}

// Rows of `x` that go to the experts, in the order of the experts.
struct ExpertRows {
  std::span<const std::int64_t> first_row;   // experts + 1 entries: where each one's rows begin
  const std::int64_t* source_row = nullptr;  // of each sorted row in x; nullptr: x is sorted
};

// Each sorted row of `out` gets the products of its expert's matrix of every stack, side by side.
// x_rows: rows of x.
void project_experts(ForwardContext& context, std::span<const ExpertLinear* const> stacks,
                     const float* x, std::int64_t x_rows, const ExpertRows& sorted, float* out,
                     std::int64_t out_stride);

}  // namespace pajamas
