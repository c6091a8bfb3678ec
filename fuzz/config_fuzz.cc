// SPDX-License-Identifier: Apache-2.0
// Any bytes as a config.json. Its member "fuzz_tensors", an object of shapes, stands for the
// tensors of the model, so that an input can reach all of the mapping.
#include "archs/gguf_map.h"
#include "base/json.h"

namespace {

std::vector<pajamas::TensorInfo> tensors_of(const pajamas::Json& config) {
  std::vector<pajamas::TensorInfo> tensors;
  const pajamas::Json* members = pajamas::find_member(config, "fuzz_tensors");
  if (members == nullptr || !members->is_object()) return tensors;
  for (const auto& [name, dims] : members->items()) {
    pajamas::TensorInfo tensor{.name = name};
    for (const auto& dim : dims) {
      // What the readers of containers let through: no negative dimension, no overflow.
      const bool fits = dim.is_number_integer() && dim >= 0 && dim < 100'000;
      if (fits && tensor.shape.rank() < 3) tensor.shape.dims.push_back(dim.get<std::int64_t>());
    }
    tensor.bytes = static_cast<std::uint64_t>(tensor.shape.elems()) * 4;
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string text(data, data + bytes);
  const auto config = pajamas::parse_json(text, "config.json", {});
  if (config) static_cast<void>(pajamas::map_to_gguf(*config, tensors_of(*config)));
  return 0;
}
