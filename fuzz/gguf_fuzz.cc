// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file: an error, or a model whose tensors can all be read and that can be
// written again.
#include "base/check.h"
#include "formats/gguf/gguf_layout.h"
#include "formats/gguf/gguf_source.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  file.set_content({data, bytes});
  const auto source = pajamas::open_gguf(file.path());
  if (!source) return 0;
  std::vector<pajamas::GgufTensorEntry> entries;
  for (const pajamas::TensorInfo& tensor : (*source)->tensors()) {
    std::vector<std::byte> content(tensor.bytes);
    PJ_CHECK((*source)->read(tensor, 0, content).has_value());
    entries.push_back({tensor.name, tensor.shape, tensor.dtype});
  }
  PJ_CHECK(pajamas::plan_gguf((*source)->metadata(), entries, (*source)->alignment()).has_value());
  return 0;
}
