// SPDX-License-Identifier: Apache-2.0
// Any bytes as an MLX folder's config.json and weights, a zero byte between them: an error, or
// modules that can all be decoded.
#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/file.h"
#include "formats/mlx/mlx_folder.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  const std::uint8_t* const end = data + bytes;
  const std::uint8_t* const zero = std::find(data, end, 0);
  const auto config = pajamas::parse_json(
      {reinterpret_cast<const char*>(data), static_cast<std::size_t>(zero - data)}, "config.json",
      {});
  if (!config || zero == end) return 0;
  const auto quantization = pajamas::parse_mlx_quantization(*config);
  if (!quantization || !*quantization) return 0;
  file.set_content({zero + 1, static_cast<std::size_t>(end - zero - 1)});
  const auto folder = pajamas::MlxFolder::open(file.path(), **quantization);
  if (!folder) return 0;
  const auto source = pajamas::make_mlx_source(**folder);
  for (const pajamas::TensorInfo& tensor : source->tensors()) {
    std::vector<std::byte> content(tensor.bytes);
    PJ_CHECK(source->read(tensor, 0, content).has_value());
  }
  return 0;
}
