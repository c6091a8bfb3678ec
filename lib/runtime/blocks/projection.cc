// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocks/projection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/vector_ops.h"

namespace pajamas {
namespace {

// Tasks a thread gets of one matrix: more share the work evenly, fewer start quicker.
constexpr std::int64_t kTasksPerThread = 4;

std::size_t index_of(ActivationForm form) { return static_cast<std::size_t>(form); }

// Rows of a matrix that one task takes, a multiple of kPackRows.
std::int64_t rows_per_task(std::int64_t rows, int threads) {
  const std::int64_t tasks = threads * kTasksPerThread;
  const std::int64_t groups = (rows + kPackRows - 1) / kPackRows;
  return std::max<std::int64_t>(1, (groups + tasks - 1) / tasks) * kPackRows;
}

// The input in one form, made once however many matrices want it.
const std::byte* prepare(ForwardContext& context, ActivationForm form, const float* x,
                         std::int64_t rows, std::int64_t cols) {
  const std::uint64_t row_size = activation_row_bytes(form, cols);
  std::byte* out =
      context.activations[index_of(form)].get(row_size * static_cast<std::uint64_t>(rows));
  for_row_groups(context, rows, [&](std::int64_t first, std::int64_t count) {
    prepare_activations(context.kernels, form, x + first * cols, count, cols,
                        out + static_cast<std::uint64_t>(first) * row_size);
  });
  return out;
}

// Inputs by form; those of forms no matrix wants stay nullptr.
class PreparedInput {
 public:
  PreparedInput(ForwardContext& context, const float* x, std::int64_t rows, std::int64_t cols)
      : context_(context), x_(x), rows_(rows), cols_(cols) {}

  const std::byte* get(const PackedMatrix& matrix) {
    const ActivationForm form = form_of(matrix);
    const std::byte*& prepared = by_form_.at(index_of(form));
    if (prepared == nullptr) prepared = prepare(context_, form, x_, rows_, cols_);
    return prepared;
  }

  static ActivationForm form_of(const PackedMatrix& matrix) {
    return activation_form(matrix.table, matrix.type, matrix.cols);
  }

 private:
  ForwardContext& context_;
  const float* x_;
  std::int64_t rows_;
  std::int64_t cols_;
  std::array<const std::byte*, 8> by_form_{};
};

struct ProductPart {
  const Linear* linear = nullptr;
  ActivationForm form = {};
  const std::byte* input = nullptr;
  float* out = nullptr;
  std::int64_t task_rows = 0;
  std::int64_t first_task = 0;
};

void run_part(const ForwardContext& context, const ProductPart& part, std::int64_t task,
              std::int64_t rows, std::int64_t out_stride) {
  const Linear& linear = *part.linear;
  const std::int64_t begin = (task - part.first_task) * part.task_rows;
  const std::int64_t end = std::min(begin + part.task_rows, linear.rows());
  matmul(linear.matrix, part.form, part.input, rows, begin, end, part.out, out_stride);
  if (linear.bias.empty()) return;
  for (std::int64_t row = 0; row < rows; ++row) {
    add_to(context.kernels, part.out + row * out_stride + begin, linear.bias.data() + begin,
           end - begin);
  }
}

void gather_rows(ForwardContext& context, const std::byte* from, std::uint64_t row_size,
                 const ExpertRows& sorted, std::byte* to) {
  for_row_groups(context, sorted.first_row.back(), [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t row = first; row < first + count; ++row) {
      std::memcpy(to + static_cast<std::uint64_t>(row) * row_size,
                  from + static_cast<std::uint64_t>(sorted.source_row[row]) * row_size, row_size);
    }
  });
}

// The experts' rows in one form. Stacks that want the same form one after the other share it.
struct ExpertInput {
  ForwardContext& context;
  const float* x;
  std::int64_t x_rows;
  const ExpertRows& sorted;
  const std::byte* bytes = nullptr;
  ActivationForm form = {};

  const std::byte* get(const PackedMatrix& matrix) {
    const ActivationForm wanted = PreparedInput::form_of(matrix);
    if (bytes != nullptr && form == wanted) return bytes;
    form = wanted;
    bytes = prepare(context, form, x, x_rows, matrix.cols);
    if (sorted.source_row == nullptr) return bytes;
    const std::uint64_t row_size = activation_row_bytes(form, matrix.cols);
    std::byte* gathered =
        context.expert_rows.get(row_size * static_cast<std::uint64_t>(sorted.first_row.back()));
    gather_rows(context, bytes, row_size, sorted, gathered);
    bytes = gathered;
    return bytes;
  }
};

void run_stack(ForwardContext& context, const ExpertLinear& stack, const std::byte* input,
               const ExpertRows& sorted, float* out, std::int64_t out_stride) {
  const PackedMatrix& shape = stack.experts.front();
  const ActivationForm form = PreparedInput::form_of(shape);
  const std::uint64_t row_size = activation_row_bytes(form, shape.cols);
  const auto experts = static_cast<std::int64_t>(stack.experts.size());
  // Many experts are shared out whole; few are cut so that every thread gets some of each.
  const int threads = context.team.thread_count();
  const std::int64_t task_rows = rows_per_task(shape.rows, experts >= 4 * threads ? 1 : threads);
  const std::int64_t per_expert = (shape.rows + task_rows - 1) / task_rows;
  context.team.run(experts * per_expert, [&](std::int64_t task, int) {
    const auto expert = static_cast<std::size_t>(task / per_expert);
    const std::int64_t begin = sorted.first_row[expert];
    const std::int64_t count = sorted.first_row[expert + 1] - begin;
    if (count == 0) return;
    const std::int64_t row = task % per_expert * task_rows;
    matmul(stack.experts[expert], form, input + static_cast<std::uint64_t>(begin) * row_size, count,
           row, std::min(row + task_rows, shape.rows), out + begin * out_stride, out_stride);
  });
}

void observe_experts(const ForwardContext& context, std::span<const ExpertLinear* const> stacks,
                     const float* x, const ExpertRows& sorted) {
  if (!context.observer) return;
  const std::int64_t cols = stacks.front()->experts.front().cols;
  std::vector<float> rows;
  for (std::size_t expert = 0; expert + 1 < sorted.first_row.size(); ++expert) {
    const std::int64_t begin = sorted.first_row[expert];
    const std::int64_t end = sorted.first_row[expert + 1];
    if (begin == end) continue;
    rows.clear();
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t from = sorted.source_row == nullptr ? row : sorted.source_row[row];
      rows.insert(rows.end(), x + from * cols, x + (from + 1) * cols);
    }
    for (const ExpertLinear* stack : stacks) {
      context.observer({.weight = stack->name,
                        .expert = static_cast<std::int64_t>(expert),
                        .values = rows.data(),
                        .rows = end - begin,
                        .cols = cols});
    }
  }
}

}  // namespace

void project(ForwardContext& context, std::span<const Linear> linears, const float* x,
             std::int64_t rows, float* out, std::int64_t out_stride) {
  const std::int64_t cols = linears.front().cols();
  PreparedInput input(context, x, rows, cols);
  std::array<ProductPart, 4> parts;
  PJ_CHECK(linears.size() <= parts.size());
  std::int64_t tasks = 0;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < linears.size(); ++i) {
    const Linear& linear = linears[i];
    if (context.observer) {
      context.observer({.weight = linear.name, .values = x, .rows = rows, .cols = cols});
    }
    const std::int64_t task_rows = rows_per_task(linear.rows(), context.team.thread_count());
    parts[i] = {&linear,
                PreparedInput::form_of(linear.matrix),
                input.get(linear.matrix),
                out + offset,
                task_rows,
                tasks};
    tasks += (linear.rows() + task_rows - 1) / task_rows;
    offset += linear.rows();
  }
  context.team.run(tasks, [&](std::int64_t task, int) {
    std::size_t part = linears.size() - 1;
    while (task < parts[part].first_task) --part;
    run_part(context, parts[part], task, rows, out_stride);
  });
}

void project_experts(ForwardContext& context, std::span<const ExpertLinear* const> stacks,
                     const float* x, std::int64_t x_rows, const ExpertRows& sorted, float* out,
                     std::int64_t out_stride) {
  observe_experts(context, stacks, x, sorted);
  std::int64_t offset = 0;
  ExpertInput input{.context = context, .x = x, .x_rows = x_rows, .sorted = sorted};
  for (const ExpertLinear* stack : stacks) {
    run_stack(context, *stack, input.get(stack->experts.front()), sorted, out + offset, out_stride);
    offset += stack->experts.front().rows;
  }
}

}  // namespace pajamas
