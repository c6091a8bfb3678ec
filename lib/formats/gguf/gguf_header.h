// SPDX-License-Identifier: Apache-2.0
// Everything of one GGUF file before its data, read and checked.
//
// Hostile input is expected: every count is held against the bytes that are left before memory is
// taken for it, and every tensor is known to lie inside the file, apart from the others, when this
// returns. Messages say offset, key or tensor, what was found and what was expected; the caller
// puts the path before them. Format: docs/formats/gguf.md.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tensor/metadata.h"
#include "tensor/tensor_source.h"

namespace pajamas {

struct GgufHeader {
  Metadata metadata;  // in file order
  std::uint32_t alignment = 32;
  std::vector<TensorInfo> tensors;  // in file order; offsets from the start of the file
};

// Names of tensors may still repeat: whoever builds the table of names finds that.
Result<GgufHeader> read_gguf_header(const File& file);

// An integer key of any width and signedness; nothing when it is absent, an error when it is not
// an integer or is negative.
Result<std::optional<std::uint64_t>> get_unsigned(const Metadata& metadata, std::string_view key);

}  // namespace pajamas
