// SPDX-License-Identifier: Apache-2.0
// Dimensions of a tensor, outermost first as in PyTorch: (rows, cols), (experts, rows, cols).
// The last dimension is contiguous; GGUF stores the same numbers in reverse.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/checked_math.h"

namespace pajamas {

struct Shape {
  std::vector<std::int64_t> dims;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> values) : dims(values) {}
  explicit Shape(std::vector<std::int64_t> values) : dims(std::move(values)) {}

  [[nodiscard]] std::size_t rank() const { return dims.size(); }
  // Length of a row; 1 for a scalar.
  [[nodiscard]] std::int64_t cols() const { return dims.empty() ? 1 : dims.back(); }
  // Product of all dimensions, or nothing when it overflows or one is negative.
  [[nodiscard]] std::optional<std::int64_t> checked_elems() const {
    std::int64_t product = 1;
    for (const std::int64_t dim : dims) {
      if (dim < 0) return std::nullopt;
      const auto next = checked_mul(product, dim);
      if (!next) return std::nullopt;
      product = *next;
    }
    return product;
  }
  // For a shape that was checked when it was read.
  [[nodiscard]] std::int64_t elems() const {
    std::int64_t product = 1;
    for (const std::int64_t dim : dims) product *= dim;
    return product;
  }
  // Rows of all leading dimensions together.
  [[nodiscard]] std::int64_t rows() const { return cols() == 0 ? 0 : elems() / cols(); }
  [[nodiscard]] std::string to_string() const;  // "(128, 64)"

  friend bool operator==(const Shape&, const Shape&) = default;
};

}  // namespace pajamas
