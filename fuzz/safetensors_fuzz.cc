// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: an error, or tensors that can all be read.
#include "base/check.h"
#include "formats/safetensors/safetensors_source.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  file.set_content({data, bytes});
  const auto source = pajamas::open_safetensors(file.path());
  if (!source) return 0;
  std::uint64_t total = 0;
  for (const pajamas::TensorInfo& tensor : (*source)->tensors()) {
    std::vector<std::byte> content(tensor.bytes);
    PJ_CHECK((*source)->read(tensor, 0, content).has_value());
    PJ_CHECK((*source)->find(tensor.name) == &tensor);
    total += tensor.bytes;
  }
  PJ_CHECK(total <= bytes);
  return 0;
}
