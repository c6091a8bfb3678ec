// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "archs/gguf_map.h"
#include "base/file.h"
#include "base/human_units.h"
#include "formats/gguf/gguf_source.h"
#include "formats/safetensors/safetensors_source.h"
#include "hub/hf_cache.h"
#include "text/tokenizer_export.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr JsonLimits kConfigLimits{.max_bytes = std::uint64_t{16} << 20, .max_depth = 64};

// Keys of a split set's shards and of quantization: set anew for what is written.
constexpr std::string_view kKeysNotCopied[] = {"general.file_type", "general.quantization_version",
                                               "split.no", "split.count", "split.tensors.count"};

void count_all_params(Model& model) {
  for (const OutputTensor& output : model.outputs) {
    if (!output.constant.empty()) continue;  // computed, not learned
    const std::int64_t params = output.shape.elems();
    model.params_total += params;
    const Role role = role_of(output.name);
    if (role != Role::kOutput && role != Role::kTokenEmbedding) {
      model.params_non_embedding += params;
    }
  }
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

Status fill_recipe_model(Model& model) {
  const auto* arch = model.gguf_keys.find_as<std::string>("general.architecture");
  if (arch == nullptr) {
    return make_error(
        ErrorCode::kInvalidData,
        "'{}' has no general.architecture, so it is not a model that can be quantized",
        model.source.path);
  }
  RecipeModel& recipe = model.recipe_model;
  recipe.arch = *arch;
  recipe.layers = arch_number(model.gguf_keys, *arch, "block_count");
  recipe.heads = arch_number(model.gguf_keys, *arch, "attention.head_count");
  recipe.kv_heads = arch_number(model.gguf_keys, *arch, "attention.head_count_kv");
  if (recipe.kv_heads == 0) recipe.kv_heads = recipe.heads;
  recipe.experts = arch_number(model.gguf_keys, *arch, "expert_count");
  return {};
}

// llama.cpp's order of tensors: those outside blocks by name, then block by block.
auto file_order(const std::string& name) {
  std::int64_t layer = -1;
  if (name.starts_with("blk.")) {
    std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  }
  return std::tuple(layer, name);
}

Status check_requantize(const TensorSource& source, const fs::path& path, bool allowed) {
  if (allowed) return {};
  for (const TensorInfo& tensor : source.tensors()) {
    if (!is_block_quantized(tensor.dtype)) continue;
    return make_error(
        ErrorCode::kUnsupported,
        "'{}' is quantized already: tensor '{}' is {}. Quantizing it again loses more "
        "than quantizing the original; start from the F16 or BF16 model, or pass "
        "--allow-requantize",
        path.string(), tensor.name, dtype_name(tensor.dtype));
  }
  return {};
}

Result<Model> open_gguf_model(const fs::path& path, const ModelOptions& options) {
  auto source = PJ_TRY(open_gguf(path));
  PJ_TRY(check_requantize(*source, path, options.allow_requantize));
  Model model;
  model.source = {.format = "gguf", .path = path.string(), .repo_id = "", .revision = ""};
  model.name = path.stem().string();
  // The stem of a split set's first file names the set: model-00001-of-00003 is "model".
  if (model.name.size() > 15 && model.name.substr(model.name.size() - 15, 1) == "-" &&
      model.name.find("-of-", model.name.size() - 10) != std::string::npos) {
    model.name.resize(model.name.size() - 15);
  }
  model.gguf_keys = source->metadata();
  for (const std::string_view key : kKeysNotCopied) model.gguf_keys.erase(key);
  for (const TensorInfo& tensor : source->tensors()) {
    OutputTensor output{.name = tensor.name, .shape = tensor.shape};
    output.pieces.push_back({.source = tensor.name, .row_count = tensor.shape.rows()});
    model.outputs.push_back(std::move(output));
  }
  std::ranges::sort(model.outputs, {}, [](const OutputTensor& o) { return file_order(o.name); });
  model.tensors = std::move(source);
  PJ_TRY(fill_recipe_model(model));
  model.family = model.recipe_model.arch;
  return model;
}

Status read_fp8_block(Model& model) {
  const Json* quantization = find_member(model.config, "quantization_config");
  if (quantization == nullptr) return {};
  const Json* block = find_member(*quantization, "weight_block_size");
  if (block == nullptr) return {};
  const auto is_size = [](const Json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() > 0 &&
           value.get<std::uint64_t>() <= 65536;
  };
  if (!block->is_array() || block->size() != 2 || !is_size((*block)[0]) || !is_size((*block)[1])) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: 'quantization_config.weight_block_size' is {}, expected two "
                      "positive numbers",
                      block->dump());
  }
  model.fp8_block = {(*block)[0].get<std::int64_t>(), (*block)[1].get<std::int64_t>()};
  return {};
}

void set_general_keys(Model& model) {
  Metadata keys;
  const auto* arch = model.gguf_keys.find_as<std::string>("general.architecture");
  keys.set("general.architecture", arch == nullptr ? std::string() : *arch);
  keys.set("general.type", std::string("model"));
  keys.set("general.name", model.name);
  std::string size = format_count(static_cast<std::uint64_t>(model.params_total));
  std::erase(size, ' ');
  keys.set("general.size_label", size);
  keys.merge(model.gguf_keys);
  model.gguf_keys = std::move(keys);
}

Result<Model> open_folder_model(const fs::path& folder, const ModelOptions&) {
  Model model;
  model.source = {.format = "safetensors", .path = folder.string(), .repo_id = "", .revision = ""};
  fs::path named = fs::absolute(folder).lexically_normal();
  if (!named.has_filename()) named = named.parent_path();
  model.name = named.filename().string();

  // Weights first: what is wrong with them (pickles only, nothing at all) says more about a folder
  // than a missing config.
  model.tensors = PJ_TRY(open_safetensors(folder));
  model.config = PJ_TRY(read_json_file(folder / "config.json", kConfigLimits));
  PJ_TRY(read_fp8_block(model));
  GgufMap map = PJ_TRY(map_to_gguf(model.config, model.tensors->tensors()));
  model.outputs = std::move(map.tensors);
  model.gguf_keys = std::move(map.keys);
  model.family = std::string(map.arch->name);
  model.warnings = std::move(map.warnings);
  count_all_params(model);

  const auto embedding = std::ranges::find(model.outputs, "token_embd.weight", &OutputTensor::name);
  const TokenizerRules rules{
      .add_space_prefix = map.arch->tokenizer.add_space_prefix,
      .pre_tokenizer = std::string(map.arch->tokenizer.fallback_pre_tokenizer),
      .vocab_size = embedding == model.outputs.end() ? 0 : embedding->shape.rows()};
  TokenizerExport tokenizer = PJ_TRY(export_tokenizer(folder, model.config, rules));
  model.gguf_keys.merge(tokenizer.keys);
  for (std::string& warning : tokenizer.warnings) model.warnings.push_back(std::move(warning));
  set_general_keys(model);
  PJ_TRY(fill_recipe_model(model));
  return model;
}

}  // namespace

Result<Model> open_model(std::string_view what, const ModelOptions& options) {
  const fs::path path(what);
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) return open_folder_model(path, options);
  if (fs::exists(status)) {
    const std::string extension = path.extension().string();
    if (!fs::is_regular_file(status)) PJ_TRY(File::open_read(path));  // says what it is
    if (extension == ".gguf") {
      Model model = PJ_TRY(open_gguf_model(path, options));
      count_all_params(model);
      return model;
    }
    if (extension == ".safetensors" || path.filename() == "config.json") {
      const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
      return open_folder_model(folder, options);
    }
    return make_error(ErrorCode::kUnsupported,
                      "'{}' is not a model this program reads: expected a folder with config.json "
                      "and .safetensors files, or a .gguf file{}",
                      path.string(),
                      extension == ".bin" || extension == ".pt" || extension == ".pth"
                          ? ". Pickle files can run code and are never opened; save the model as "
                            "safetensors first (transformers: save_pretrained)"
                          : "");
  }
  if (!is_repo_id(what)) {
    return make_error(ErrorCode::kNotFound,
                      "'{}' is not there; give a model folder, a .gguf file, or a repo id like "
                      "org/name that is in the local Hugging Face cache",
                      what);
  }
  const CachedSnapshot snapshot = PJ_TRY(find_in_hf_cache(what, options.revision));
  Model model = PJ_TRY(open_folder_model(snapshot.folder, options));
  model.source.repo_id = snapshot.repo_id;
  model.source.revision = snapshot.revision;
  model.name = snapshot.repo_id.substr(snapshot.repo_id.rfind('/') + 1);
  model.gguf_keys.set("general.name", model.name);
  return model;
}

DType unquantized_dtype(const Model& model, const OutputTensor& tensor) {
  if (tensor.keep_f32 || tensor.pieces.empty()) return DType::kF32;
  const TensorInfo* source = model.tensors->find(tensor.pieces.front().source);
  if (source == nullptr) return DType::kF32;
  const bool is_fp8 = source->dtype == DType::kF8E4M3 || source->dtype == DType::kF8E5M2;
  return is_fp8 ? DType::kBF16 : source->dtype;
}

}  // namespace pajamas
