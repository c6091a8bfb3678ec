// SPDX-License-Identifier: Apache-2.0
// Where tensors come from: a folder of safetensors, a GGUF file, or a test.
//
// A source lists its tensors and reads ranges of their stored bytes. It checks, when it is opened,
// that every tensor lies inside its file and that its size fits its shape and type; reads after
// that fail only when the file itself changes or breaks. All const methods may be called from many
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace pajamas {

struct TensorInfo {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;
  std::uint64_t bytes = 0;        // stored bytes
  int file = 0;                   // index into TensorSource::files()
  std::uint64_t file_offset = 0;  // of its first byte, from the start of that file
};

class TensorSource {
 public:
  virtual ~TensorSource() = default;

  // In the order of the files, and inside a file in the order of their offsets.
  [[nodiscard]] virtual std::span<const TensorInfo> tensors() const = 0;
  [[nodiscard]] virtual std::span<const std::filesystem::path> files() const = 0;
  // Fills `out` with the stored bytes of one tensor from `offset` on.
  [[nodiscard]] virtual Status read(const TensorInfo& tensor, std::uint64_t offset,
                                    std::span<std::byte> out) const = 0;
  // nullptr when there is no tensor of that name.
  [[nodiscard]] virtual const TensorInfo* find(std::string_view name) const = 0;
};

}  // namespace pajamas
