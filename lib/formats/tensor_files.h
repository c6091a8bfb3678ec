// SPDX-License-Identifier: Apache-2.0
// The open files of a tensor source and what lies in them: the part that all containers share.
//
// Files are added one after another, then index() builds the table of names; from then on it does
// not change and all const methods may be called from many threads. Owns the descriptors.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tensor/tensor_source.h"

namespace pajamas {

class TensorFiles {
 public:
  // `tensors` are those of this file, with offsets from its start; their `file` is set here.
  void add(File file, std::vector<TensorInfo> tensors);
  // An error when two tensors, in one file or in two, have one name.
  [[nodiscard]] Status index();

  [[nodiscard]] std::span<const TensorInfo> tensors() const { return tensors_; }
  [[nodiscard]] std::span<const std::filesystem::path> files() const { return paths_; }
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;
  // The range must lie inside the tensor.
  [[nodiscard]] Status read(const TensorInfo& tensor, std::uint64_t offset,
                            std::span<std::byte> out) const;

 private:
  std::vector<File> files_;
  std::vector<std::filesystem::path> paths_;
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // keys live in tensors_
};

}  // namespace pajamas
