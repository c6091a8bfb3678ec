// SPDX-License-Identifier: Apache-2.0
#include "formats/tensor_files.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/check.h"
#include "formats/printable.h"

namespace pajamas {

void TensorFiles::add(File file, std::vector<TensorInfo> tensors) {
  PJ_CHECK(by_name_.empty());
  for (TensorInfo& tensor : tensors) tensor.file = static_cast<int>(files_.size());
  // Empty tensors share an offset with their successor and come before it; names order those that
  // share it with each other.
  std::ranges::sort(tensors, {}, [](const TensorInfo& tensor) {
    return std::tuple(tensor.file_offset, tensor.bytes, std::string_view(tensor.name));
  });
  paths_.push_back(file.path());
  files_.push_back(std::move(file));
  tensors_.insert(tensors_.end(), std::make_move_iterator(tensors.begin()),
                  std::make_move_iterator(tensors.end()));
}

Status TensorFiles::index() {
  by_name_.reserve(tensors_.size());
  for (std::size_t place = 0; place < tensors_.size(); ++place) {
    const TensorInfo& tensor = tensors_[place];
    const auto [found, is_new] = by_name_.emplace(tensor.name, place);
    if (is_new) continue;
    const int first_file = tensors_[found->second].file;
    const auto path_of = [&](int file) { return paths_[static_cast<std::size_t>(file)].string(); };
    if (first_file == tensor.file) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}': the tensor '{}' stands twice, expected every name once",
                        path_of(tensor.file), printable(tensor.name));
    }
    return make_error(ErrorCode::kInvalidData,
                      "the tensor '{}' stands in '{}' and in '{}', expected it in one file only",
                      printable(tensor.name), path_of(first_file), path_of(tensor.file));
  }
  return {};
}

const TensorInfo* TensorFiles::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

Status TensorFiles::read(const TensorInfo& tensor, std::uint64_t offset,
                         std::span<std::byte> out) const {
  PJ_CHECK(tensor.file >= 0 && static_cast<std::size_t>(tensor.file) < files_.size());
  PJ_CHECK(offset <= tensor.bytes && out.size() <= tensor.bytes - offset);
  return files_[static_cast<std::size_t>(tensor.file)].read_at(tensor.file_offset + offset, out);
}

}  // namespace pajamas
