// SPDX-License-Identifier: Apache-2.0
// Aligned float buffers in one allocation, for one call of attend(). Defined outside the target
// regions, so that no wide code leaks into the standard library's templates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pajamas {

class AttentionScratch {
 public:
  // Room for buffers of `elems` floats in total, each rounded up to a cache line.
  AttentionScratch(std::int64_t elems, std::int64_t buffers)
      : memory_(std::make_unique_for_overwrite<std::byte[]>(
            static_cast<std::size_t>(elems) * sizeof(float) +
            static_cast<std::size_t>(buffers + 1) * kLine)),
        next_(memory_.get()) {
    next_ += (kLine - reinterpret_cast<std::uintptr_t>(next_) % kLine) % kLine;
  }

  float* take(std::int64_t elems) {
    auto* const buffer = reinterpret_cast<float*>(next_);
    next_ += (static_cast<std::size_t>(elems) * sizeof(float) + kLine - 1) / kLine * kLine;
    return buffer;
  }

 private:
  static constexpr std::size_t kLine = 64;
  std::unique_ptr<std::byte[]> memory_;
  std::byte* next_;
};

}  // namespace pajamas
