// SPDX-License-Identifier: Apache-2.0
// The header of one safetensors file, and the index of a sharded set: JSON from outside, read as a
// stream so that no document is built from it.
//
// Checks everything that can be known before data is read: the size of the header, its JSON, the
// types, that sizes fit shapes, and that the tensors fill the data section without holes or
// overlaps. Messages name tensor, what was found and what was expected; the caller puts the path
// before them. Format: docs/formats/safetensors.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tensor/tensor_source.h"

namespace pajamas {

inline constexpr std::uint64_t kSafetensorsMaxHeaderBytes = 100'000'000;
inline constexpr std::uint64_t kSafetensorsMaxTensors = 1'000'000;
inline constexpr std::size_t kSafetensorsMaxDims = 16;
inline constexpr std::uint64_t kSafetensorsMaxIndexBytes = std::uint64_t{64} << 20;

// The type as a header spells it, empty when safetensors has none for it.
std::string_view safetensors_type_name(DType dtype);

// Offsets are from the start of the file. Names may still repeat.
Result<std::vector<TensorInfo>> read_safetensors_header(const File& file);

struct SafetensorsIndex {
  std::vector<std::pair<std::string, std::string>> weights;  // tensor and file name
  std::set<std::string> files;                               // plain names, sorted
};

Result<SafetensorsIndex> read_safetensors_index(const std::filesystem::path& path);

}  // namespace pajamas
