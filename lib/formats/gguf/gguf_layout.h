// SPDX-License-Identifier: Apache-2.0
// The exact bytes of a GGUF v3 file before its data, and where each tensor's data goes.
//
// Planning needs no data: sizes follow from shapes and types, so a file's length is known to the
// byte before work starts. Format: docs/formats/gguf.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/metadata.h"
#include "tensor/shape.h"

namespace pajamas {

struct GgufTensorEntry {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;
};

struct GgufLayout {
  std::string header;                         // from the magic to the start of the data section
  std::vector<std::uint64_t> tensor_offsets;  // from the start of the file, in entry order
  std::uint64_t file_bytes = 0;               // padding after the last tensor included
};

// Errors: a name over 63 bytes, a row that is not a multiple of the type's block, more than 4
// dimensions, a key or a value the format cannot hold.
Result<GgufLayout> plan_gguf(const Metadata& metadata, const std::vector<GgufTensorEntry>& tensors,
                             std::uint32_t alignment = 32);

// ggml's number of a type, and back. Do not change: persisted.
std::uint32_t ggml_type_id(DType dtype);
const DTypeInfo* find_ggml_type(std::uint32_t id);

}  // namespace pajamas
