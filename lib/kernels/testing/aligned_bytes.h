// SPDX-License-Identifier: Apache-2.0
// A zeroed buffer for tests that starts on kMatmulAlignment.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "kernels/matmul.h"

namespace pajamas::testing {

class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t n) : size_(n), lines_((n + kLine - 1) / kLine) {}
  std::byte* data() { return lines_.empty() ? nullptr : lines_.front().bytes.data(); }
  const std::byte* data() const { return lines_.empty() ? nullptr : lines_.front().bytes.data(); }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kLine = kMatmulAlignment;
  struct alignas(kLine) Line {
    std::array<std::byte, kLine> bytes{};
  };
  std::size_t size_;
  std::vector<Line> lines_;
};

}  // namespace pajamas::testing
