// SPDX-License-Identifier: Apache-2.0
#include "models/model_description.h"

#include <map>
#include <type_traits>

#include <fmt/format.h>

#include "formats/mlx/mlx_folder.h"

namespace pajamas {
namespace {

template <typename T>
std::int64_t as_int(const T& value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::is_same_v<T, std::vector<std::uint32_t>> ||
                       std::is_same_v<T, std::vector<std::int32_t>>) {
    return value.empty() ? 0 : static_cast<std::int64_t>(value.front());  // one per layer
  } else {
    return 0;
  }
}

struct StoredTensor {
  std::string type;
  std::uint64_t bytes = 0;
};

// The tensors as they are stored; of an MLX folder, modules with all their parts.
std::vector<StoredTensor> stored_tensors(const OpenedModel& model) {
  std::vector<StoredTensor> stored;
  if (model.mlx == nullptr) {
    for (const TensorInfo& tensor : model.tensors->tensors()) {
      stored.push_back({std::string(dtype_name(tensor.dtype)), tensor.bytes});
    }
    return stored;
  }
  for (const MlxTensor& tensor : model.mlx->tensors()) {
    StoredTensor entry{.type = tensor.quantization ? tensor.quantization->name()
                                                   : std::string(dtype_name(tensor.dtype))};
    for (const TensorInfo* part : {tensor.codes, tensor.scales, tensor.biases}) {
      if (part != nullptr) entry.bytes += part->bytes;
    }
    stored.push_back(std::move(entry));
  }
  return stored;
}

Json describe_types(const std::vector<StoredTensor>& tensors) {
  std::map<std::string, std::pair<std::int64_t, std::uint64_t>> by_type;
  for (const StoredTensor& tensor : tensors) {
    auto& [count, bytes] = by_type[tensor.type];
    ++count;
    bytes += tensor.bytes;
  }
  Json types = Json::object();
  for (const auto& [name, sums] : by_type) {
    types[name] = {{"tensors", sums.first}, {"size_bytes", sums.second}};
  }
  return types;
}

// Elements of the weights that are neither the token embedding nor the output head.
std::int64_t params_outside_embeddings(const OpenedModel& model) {
  std::int64_t params = 0;
  for (const OutputTensor& tensor : model.outputs) {
    const bool is_computed = !tensor.constant.empty();
    if (is_computed || tensor.name == "token_embd.weight" || tensor.name == "output.weight") {
      continue;
    }
    params += tensor.shape.elems();
  }
  return params;
}

}  // namespace

Json describe_opened_model(const OpenedModel& model) {
  const std::vector<StoredTensor> stored = stored_tensors(model);
  std::uint64_t bytes = 0;
  for (const StoredTensor& tensor : stored) bytes += tensor.bytes;
  const auto* named = model.gguf_keys.find_as<std::string>("general.architecture");
  const std::string arch = named == nullptr ? "" : *named;
  Json info = {{"name", model.name},
               {"format", model.source.format},
               {"path", model.source.path},
               {"family", model.family},
               {"architecture", arch},
               {"params_total", model.params_total},
               {"params_non_embedding", params_outside_embeddings(model)}};
  struct Fact {
    const char* name;
    const char* key;
  };
  constexpr Fact kFacts[] = {{"layers", "block_count"},
                             {"heads", "attention.head_count"},
                             {"kv_heads", "attention.head_count_kv"},
                             {"experts", "expert_count"},
                             {"embedding_length", "embedding_length"},
                             {"feed_forward_length", "feed_forward_length"},
                             {"context_length", "context_length"}};
  for (const Fact& fact : kFacts) {
    const MetadataValue* value = model.gguf_keys.find(fmt::format("{}.{}", arch, fact.key));
    if (value == nullptr) continue;
    info[fact.name] = std::visit([](const auto& typed) { return as_int(typed); }, *value);
  }
  if (const auto* tokens =
          model.gguf_keys.find_as<std::vector<std::string>>("tokenizer.ggml.tokens")) {
    info["vocabulary"] = tokens->size();
  }
  if (const auto* tokenizer = model.gguf_keys.find_as<std::string>("tokenizer.ggml.model")) {
    info["tokenizer"] = *tokenizer;
  }
  info["chat_template"] = model.gguf_keys.find("tokenizer.chat_template") != nullptr;
  info["tensor_bytes"] = bytes;
  info["bits_per_weight"] = model.params_total > 0 ? 8.0 * static_cast<double>(bytes) /
                                                         static_cast<double>(model.params_total)
                                                   : 0.0;
  info["types"] = describe_types(stored);
  info["files"] = model.tensors->files().size();
  info["warnings"] = model.warnings;
  return info;
}

}  // namespace pajamas
