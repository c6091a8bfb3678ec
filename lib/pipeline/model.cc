// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model.h"

#include "hub/hf_cache.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

std::int64_t params_outside_embeddings(const Model& model) {
  std::int64_t params = 0;
  for (const OutputTensor& output : model.outputs) {
    if (!output.constant.empty()) continue;  // computed, not learned
    const Role role = role_of(output.name);
    if (role != Role::kOutput && role != Role::kTokenEmbedding) params += output.shape.elems();
  }
  return params;
}

template <typename T>
std::int64_t as_int(const T& value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::is_same_v<T, std::vector<std::uint32_t>> ||
                       std::is_same_v<T, std::vector<std::int32_t>>) {
    return value.empty() ? 0 : static_cast<std::int64_t>(value.front());
  } else {
    return 0;
  }
}

// A whole number under {arch}.key; the first element when it is an array (one per layer).
std::int64_t arch_number(const Metadata& keys, const std::string& arch, std::string_view key) {
  const MetadataValue* value = keys.find(fmt::format("{}.{}", arch, key));
  if (value == nullptr) return 0;
  return std::visit([](const auto& typed) { return as_int(typed); }, *value);
}

RecipeModel make_recipe_model(const Model& model) {
  const std::string& arch = *model.gguf_keys.find_as<std::string>("general.architecture");
  RecipeModel recipe;
  recipe.arch = arch;
  recipe.layers = arch_number(model.gguf_keys, arch, "block_count");
  recipe.heads = arch_number(model.gguf_keys, arch, "attention.head_count");
  recipe.kv_heads = arch_number(model.gguf_keys, arch, "attention.head_count_kv");
  if (recipe.kv_heads == 0) recipe.kv_heads = recipe.heads;
  recipe.experts = arch_number(model.gguf_keys, arch, "expert_count");
  return recipe;
}

Status check_requantize(const Model& model, bool allowed) {
  if (allowed) return {};
  const TensorSource& source = *model.tensors;
  const std::string& path = model.source.path;
  if (model.source.format == "mlx") {
    return make_error(
        ErrorCode::kUnsupported,
        "'{}' is an MLX folder that is quantized already. Quantizing it again loses "
        "more than quantizing the original; start from the F16 or BF16 model, or pass "
        "--allow-requantize",
        path);
  }
  for (const TensorInfo& tensor : source.tensors()) {
    if (!is_block_quantized(tensor.dtype)) continue;
    return make_error(
        ErrorCode::kUnsupported,
        "'{}' is quantized already: tensor '{}' is {}. Quantizing it again loses more "
        "than quantizing the original; start from the F16 or BF16 model, or pass "
        "--allow-requantize",
        path, tensor.name, dtype_name(tensor.dtype));
  }
  return {};
}

Result<Model> open_path(const fs::path& path, const ModelOptions& options) {
  Model model{PJ_TRY(open_weights_path(path))};
  PJ_TRY(check_requantize(model, options.allow_requantize));
  if (options.hash_ahead) {
    model.hasher = PJ_TRY(SourceHasher::open(model.tensors->files()));
    model.hasher->begin_ahead();
  }
  PJ_TRY(complete_model(model));
  model.recipe_model = make_recipe_model(model);
  model.params_non_embedding = params_outside_embeddings(model);
  return model;
}

}  // namespace

Result<Model> open_model(std::string_view what, const ModelOptions& options) {
  const fs::path path(what);
  std::error_code ignored;
  if (fs::exists(path, ignored)) return open_path(path, options);
  if (!is_repo_id(what)) {
    return make_error(ErrorCode::kNotFound,
                      "'{}' is not there; give a model folder, a .gguf file, or a repo id like "
                      "org/name that is in the local Hugging Face cache",
                      what);
  }
  const CachedSnapshot snapshot = PJ_TRY(find_in_hf_cache(what, options.revision));
  Model model = PJ_TRY(open_path(snapshot.folder, options));
  model.source.repo_id = snapshot.repo_id;
  model.source.revision = snapshot.revision;
  model.name = snapshot.repo_id.substr(snapshot.repo_id.rfind('/') + 1);
  model.gguf_keys.set("general.name", model.name);
  return model;
}

}  // namespace pajamas
