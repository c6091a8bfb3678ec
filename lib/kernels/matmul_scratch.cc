// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul_scratch.h"

#include <memory>

#include "kernels/matmul.h"

namespace pajamas {
namespace {

struct alignas(kMatmulAlignment) Scratch {
  std::byte bytes[kMatmulScratchBytes];
};

}  // namespace

std::byte* matmul_scratch() {
  thread_local const auto scratch = std::make_unique_for_overwrite<Scratch>();
  return scratch->bytes;
}

}  // namespace pajamas
