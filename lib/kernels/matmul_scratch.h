// SPDX-License-Identifier: Apache-2.0
// A buffer of each thread for the activations that a product has at work; too large for a stack.
#pragma once

#include <cstddef>

namespace pajamas {

inline constexpr std::size_t kMatmulScratchBytes = std::size_t{896} * 1024;

// This thread's buffer, made on first use and aligned to kMatmulAlignment. Its content is anything.
std::byte* matmul_scratch();

}  // namespace pajamas
