// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_layout.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/json.h"
#include "formats/safetensors/safetensors_header.h"

namespace pajamas {
namespace {

constexpr std::size_t kHeaderAlignment = 8;

Result<std::string> header_text(std::span<const SafetensorsEntry> tensors,
                                std::span<const std::pair<std::string, std::string>> metadata) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {},
                    [&](std::size_t i) -> const std::string& { return tensors[i].name; });
  std::vector<std::uint64_t> starts;
  std::uint64_t end = 0;
  for (const SafetensorsEntry& tensor : tensors) {
    starts.push_back(end);
    end += tensor.bytes();
  }
  Json header = Json::object();
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  for (std::size_t place = 0; place < order.size(); ++place) {
    const SafetensorsEntry& tensor = tensors[order[place]];
    if (place > 0 && tensors[order[place - 1]].name == tensor.name) {
      return make_error(ErrorCode::kInternal, "two tensors of one file are called '{}'",
                        tensor.name);
    }
    const std::string_view type = safetensors_type_name(tensor.dtype);
    if (type.empty()) {
      return make_error(ErrorCode::kInternal, "tensor '{}': safetensors has no type {}",
                        tensor.name, dtype_name(tensor.dtype));
    }
    const std::uint64_t start = starts[order[place]];
    // Not operator[]: that would look through all keys before.
    header.get_ref<Json::object_t&>().emplace_back(
        tensor.name, Json({{"dtype", type},
                           {"shape", tensor.shape.dims},
                           {"data_offsets", {start, start + tensor.bytes()}}}));
  }
  return header.dump();
}

}  // namespace

Result<SafetensorsLayout> plan_safetensors(
    std::span<const SafetensorsEntry> tensors,
    std::span<const std::pair<std::string, std::string>> metadata) {
  std::string text = PJ_TRY(header_text(tensors, metadata));
  const std::size_t padded =
      (text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment;
  text.resize(padded, ' ');
  if (text.size() > kSafetensorsMaxHeaderBytes) {
    return make_error(ErrorCode::kUnsupported,
                      "{} tensors need a header of {} bytes; safetensors files have at most {}",
                      tensors.size(), text.size(), kSafetensorsMaxHeaderBytes);
  }
  SafetensorsLayout layout;
  const std::uint64_t length = text.size();
  layout.header.resize(sizeof(length));
  std::memcpy(layout.header.data(), &length, sizeof(length));
  layout.header += text;
  layout.file_bytes = layout.header.size();
  for (const SafetensorsEntry& tensor : tensors) {
    layout.tensor_offsets.push_back(layout.file_bytes);
    layout.file_bytes += tensor.bytes();
  }
  return layout;
}

std::string safetensors_shard_name(std::size_t no, std::size_t count) {
  if (count == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", no + 1, count);
}

}  // namespace pajamas
