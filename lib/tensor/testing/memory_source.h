// SPDX-License-Identifier: Apache-2.0
// A TensorSource whose tensors are in memory, for tests.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor_source.h"

namespace pajamas::testing_support {

class MemorySource final : public TensorSource {
 public:
  template <typename T>
  void add(std::string name, Shape shape, DType dtype, const std::vector<T>& values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    infos_.push_back({.name = std::move(name),
                      .shape = std::move(shape),
                      .dtype = dtype,
                      .bytes = bytes.size()});
    bytes_.push_back(std::move(bytes));
  }

  [[nodiscard]] std::span<const TensorInfo> tensors() const override { return infos_; }
  [[nodiscard]] std::span<const std::filesystem::path> files() const override { return {}; }
  [[nodiscard]] Status read(const TensorInfo& tensor, std::uint64_t offset,
                            std::span<std::byte> out) const override {
    const std::vector<std::byte>& bytes = bytes_[static_cast<std::size_t>(&tensor - infos_.data())];
    if (offset > bytes.size() || out.size() > bytes.size() - offset) {
      return make_error(ErrorCode::kInvalidData, "read past the end of '{}'", tensor.name);
    }
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return {};
  }
  [[nodiscard]] const TensorInfo* find(std::string_view name) const override {
    const auto found = std::ranges::find(infos_, name, &TensorInfo::name);
    return found == infos_.end() ? nullptr : &*found;
  }

 private:
  std::vector<TensorInfo> infos_;
  std::vector<std::vector<std::byte>> bytes_;
};

}  // namespace pajamas::testing_support
