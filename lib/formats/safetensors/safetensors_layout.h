// SPDX-License-Identifier: Apache-2.0
// The exact bytes of a safetensors file before its data, and where each tensor's data goes.
//
// Planning needs no data. Tensors lie in the order given, without holes; the header lists them by
// name and is padded so that the data starts at a multiple of 8. Format:
// docs/formats/safetensors.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace pajamas {

struct SafetensorsEntry {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;

  [[nodiscard]] std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(shape.elems()) * dtype_info(dtype).block_bytes;
  }
};

struct SafetensorsLayout {
  std::string header;                         // from the start of the file to that of the data
  std::vector<std::uint64_t> tensor_offsets;  // from the start of the file, in entry order
  std::uint64_t file_bytes = 0;
};

// `metadata` becomes __metadata__. Errors: a type safetensors does not have, two tensors of one
// name, a header over the format's limit.
Result<SafetensorsLayout> plan_safetensors(
    std::span<const SafetensorsEntry> tensors,
    std::span<const std::pair<std::string, std::string>> metadata);

// "model.safetensors", or "model-00001-of-00003.safetensors" where there are several.
std::string safetensors_shard_name(std::size_t no, std::size_t count);

}  // namespace pajamas
