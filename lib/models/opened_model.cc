// SPDX-License-Identifier: Apache-2.0
#include "models/opened_model.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "archs/gguf_map.h"
#include "base/file.h"
#include "base/human_units.h"
#include "formats/gguf/gguf_source.h"
#include "formats/mlx/mlx_folder.h"
#include "formats/safetensors/safetensors_source.h"
#include "text/tokenizer_export.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr JsonLimits kConfigLimits{.max_bytes = std::uint64_t{16} << 20, .max_depth = 64};

// Keys of a split set's shards and of quantization: set anew for what is written.
constexpr std::string_view kKeysNotCopied[] = {"general.file_type", "general.quantization_version",
                                               "split.no", "split.count", "split.tensors.count"};

void count_params(OpenedModel& model) {
  for (const OutputTensor& output : model.outputs) {
    if (output.constant.empty()) model.params_total += output.shape.elems();  // not computed
  }
}

Status check_architecture(const OpenedModel& model) {
  if (model.gguf_keys.find_as<std::string>("general.architecture") != nullptr) return {};
  return make_error(
      ErrorCode::kInvalidData,
      "'{}' has no general.architecture, so it is not a model that can be quantized or run",
      model.source.path);
}

// llama.cpp's order of tensors: those outside blocks by name, then block by block.
auto file_order(const std::string& name) {
  std::int64_t layer = -1;
  if (name.starts_with("blk.")) {
    std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  }
  return std::tuple(layer, name);
}

Status read_fp8_block(OpenedModel& model) {
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

// The weights of an MLX folder that quantized them appear as the floats they stand for.
Status look_through_mlx(OpenedModel& model, const fs::path& folder) {
  const auto quantization = PJ_TRY(parse_mlx_quantization(model.config));
  if (!quantization) return {};
  model.source.format = "mlx";
  model.mlx = PJ_TRY(MlxFolder::open(folder, *quantization));
  model.tensors = make_mlx_source(*model.mlx);
  for (const char* key : {"quantization", "quantization_config"}) model.config.erase(key);
  return {};
}

void set_general_keys(OpenedModel& model) {
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

Result<OpenedModel> open_weights_folder(const fs::path& folder) {
  OpenedModel model;
  model.source = {.format = "safetensors", .path = folder.string(), .repo_id = "", .revision = ""};
  fs::path named = fs::absolute(folder).lexically_normal();
  if (!named.has_filename()) named = named.parent_path();
  model.name = named.filename().string();

  // Weights first: what is wrong with them (pickles only, nothing at all) says more about a folder
  // than a missing config.
  model.tensors = PJ_TRY(open_safetensors(folder));
  model.config = PJ_TRY(read_json_file(folder / "config.json", kConfigLimits));
  PJ_TRY(read_fp8_block(model));
  PJ_TRY(look_through_mlx(model, folder));
  GgufMap map = PJ_TRY(map_to_gguf(model.config, model.tensors->tensors()));
  model.outputs = std::move(map.tensors);
  model.gguf_keys = std::move(map.keys);
  model.arch = map.arch;
  model.family = std::string(map.arch->name);
  model.warnings = std::move(map.warnings);
  count_params(model);
  return model;
}

}  // namespace

Result<OpenedModel> open_model_gguf(const fs::path& path) {
  auto source = PJ_TRY(open_gguf(path));
  OpenedModel model;
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
  count_params(model);
  PJ_TRY(check_architecture(model));
  model.family = *model.gguf_keys.find_as<std::string>("general.architecture");
  return model;
}

Status complete_model(OpenedModel& model) {
  if (model.arch == nullptr) return {};  // a GGUF file, which has all in one place
  const auto embedding = std::ranges::find(model.outputs, "token_embd.weight", &OutputTensor::name);
  const TokenizerRules rules{
      .add_space_prefix = model.arch->tokenizer.add_space_prefix,
      .pre_tokenizer = std::string(model.arch->tokenizer.fallback_pre_tokenizer),
      .vocab_size = embedding == model.outputs.end() ? 0 : embedding->shape.rows()};
  TokenizerExport tokenizer = PJ_TRY(export_tokenizer(model.source.path, model.config, rules));
  model.gguf_keys.merge(tokenizer.keys);
  for (std::string& warning : tokenizer.warnings) model.warnings.push_back(std::move(warning));
  set_general_keys(model);
  return check_architecture(model);
}

Result<OpenedModel> open_model_folder(const fs::path& folder) {
  OpenedModel model = PJ_TRY(open_weights_folder(folder));
  PJ_TRY(complete_model(model));
  return model;
}

Result<OpenedModel> open_model_path(const fs::path& path) {
  OpenedModel model = PJ_TRY(open_weights_path(path));
  PJ_TRY(complete_model(model));
  return model;
}

Result<OpenedModel> open_weights_path(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) return open_weights_folder(path);
  if (!fs::is_regular_file(status)) PJ_TRY(File::open_read(path));  // says what it is, or is not
  const std::string extension = path.extension().string();
  if (extension == ".gguf") return open_model_gguf(path);
  if (extension == ".safetensors" || path.filename() == "config.json") {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    return open_weights_folder(folder);
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

DType unquantized_dtype(const OpenedModel& model, const OutputTensor& tensor) {
  if (tensor.keep_f32 || tensor.pieces.empty()) return DType::kF32;
  const TensorInfo* source = model.tensors->find(tensor.pieces.front().source);
  if (source == nullptr) return DType::kF32;
  const bool is_fp8 = source->dtype == DType::kF8E4M3 || source->dtype == DType::kF8E5M2;
  return is_fp8 ? DType::kBF16 : source->dtype;
}

WeightType stored_type(const OpenedModel& model, const OutputTensor& tensor) {
  const WeightType otherwise = unquantized_dtype(model, tensor);
  const bool is_as_stored = !tensor.keep_f32 && tensor.op == ElementOp::kNone;
  if (model.mlx == nullptr || tensor.pieces.empty() || !is_as_stored) return otherwise;
  const MlxTensor* first = model.mlx->find(tensor.pieces.front().source);
  if (first == nullptr || !first->quantization) return otherwise;
  for (const Piece& piece : tensor.pieces) {
    const MlxTensor* source = model.mlx->find(piece.source);
    if (source == nullptr || source->type() != first->type()) return otherwise;
  }
  return first->type();
}

}  // namespace pajamas
