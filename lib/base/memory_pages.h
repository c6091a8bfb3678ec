// SPDX-License-Identifier: Apache-2.0
// Large zeroed memory straight from the system: page-aligned, in huge pages where the system gives
// them, back with the system when it is released. And how much there is.
//
// Owns the memory; movable. bytes() may be used from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"

namespace pajamas {

class MemoryPages {
 public:
  MemoryPages() = default;
  // Pages are taken when they are first touched, so this fails only for absurd sizes.
  static Result<MemoryPages> allocate(std::uint64_t bytes);

  MemoryPages(MemoryPages&& other) noexcept;
  MemoryPages& operator=(MemoryPages&& other) noexcept;
  MemoryPages(const MemoryPages&) = delete;
  MemoryPages& operator=(const MemoryPages&) = delete;
  ~MemoryPages();

  [[nodiscard]] std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;  // what was asked for
  std::size_t mapped_bytes_ = 0;
};

// Bytes that this process can still take without swapping: what the system has available, or what
// is left of the control group's limit when that is less. Nothing when the system does not say.
std::uint64_t available_memory_bytes();

}  // namespace pajamas
