// SPDX-License-Identifier: Apache-2.0
// A GGUF file (or the first of a split set) as a TensorSource with its keys.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "tensor/metadata.h"
#include "tensor/tensor_source.h"

namespace pajamas {

class GgufSource : public TensorSource {
 public:
  // All keys of the (first) file in file order, split.* keys left out for split sets.
  [[nodiscard]] virtual const Metadata& metadata() const = 0;
  [[nodiscard]] virtual std::uint32_t alignment() const = 0;
};

// Follows split.count to the other files beside this one. Types that DType does not list are an
// error naming the tensor and the type.
Result<std::unique_ptr<GgufSource>> open_gguf(const std::filesystem::path& path);

}  // namespace pajamas
