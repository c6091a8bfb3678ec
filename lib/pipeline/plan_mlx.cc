// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "archs/arch_registry.h"
#include "base/file.h"
#include "formats/safetensors/safetensors_layout.h"
#include "pipeline/mlx_documents.h"
#include "pipeline/plan_outputs.h"

namespace pajamas {
namespace {

const std::vector<std::pair<std::string, std::string>> kFileMetadata = {{"format", "mlx"}};

bool is_mlx_dtype(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

// The type config.json names, else that of the first matrix, else BF16.
DType model_dtype(const Model& model) {
  const Json* text = find_member(model.config, "text_config");
  const Json none(nullptr);
  for (const Json* config : {&model.config, text == nullptr ? &none : text}) {
    for (const char* key : {"torch_dtype", "dtype"}) {
      const Json* name = find_member(*config, key);
      if (name == nullptr) continue;
      if (*name == "float32") return DType::kF32;
      if (*name == "float16") return DType::kF16;
      if (*name == "bfloat16") return DType::kBF16;
    }
  }
  for (const OutputTensor& tensor : model.outputs) {
    if (tensor.shape.rank() < 2 || tensor.pieces.empty()) continue;
    const TensorInfo* source = model.tensors->find(tensor.pieces.front().source);
    if (source != nullptr && is_mlx_dtype(source->dtype)) return source->dtype;
  }
  return DType::kBF16;
}

// Names and shapes of what a tensor is stored as, in the order of its parts.
std::vector<SafetensorsEntry> stored_parts(const OutputTensor& tensor,
                                           const PlannedTensor& planned) {
  if (!planned.mlx) return {{tensor.mlx_name, tensor.mlx_shape, planned.dtype}};
  const MlxQuantization& quantization = *planned.mlx;
  const std::int64_t cols = tensor.mlx_shape.cols();
  Shape codes = tensor.mlx_shape;
  codes.dims.back() = cols * quantization.bits / 32;
  Shape params = tensor.mlx_shape;
  params.dims.back() = quantization.groups(cols);
  const std::string module(mlx_module_path(tensor.mlx_name));
  const DType param_dtype = quantization.has_biases() ? planned.dtype : DType::kU8;
  std::vector<SafetensorsEntry> parts = {{tensor.mlx_name, std::move(codes), DType::kU32},
                                         {module + ".scales", params, param_dtype}};
  if (quantization.has_biases()) {
    parts.push_back({module + ".biases", std::move(params), param_dtype});
  }
  return parts;
}

class FolderPlanner {
 public:
  FolderPlanner(const Model& model, const MlxPlanOptions& options)
      : model_(model), options_(options) {}

  Result<PlannedOutput> plan() {
    PJ_TRY(check_source());
    config_ = PJ_TRY(parse_model_config(model_.config));
    dtype_ = options_.dtype.value_or(options_.recipe.base ? model_dtype(model_) : named_dtype());
    output_.format = OutputFormat::kMlx;
    output_.method = options_.recipe.name;
    output_.mlx_encoding = {
        .scale_dtype = dtype_, .rounding = options_.rounding, .quality = options_.quality};
    choose();
    divide();
    PJ_TRY(lay_out());
    PJ_TRY(add_documents());
    return std::move(output_);
  }

 private:
  Status check_source() const {
    const bool has_names = std::ranges::any_of(
        model_.outputs, [](const OutputTensor& tensor) { return !tensor.mlx_name.empty(); });
    if (!model_.config.is_null() && has_names) return {};
    return make_error(ErrorCode::kUnsupported,
                      "'{}' cannot become an MLX folder: that needs a Hugging Face folder with "
                      "config.json and the tokenizer's files, and this is {}",
                      model_.source.path, model_.source.format);
  }

  // A precision that is a type: "bf16".
  [[nodiscard]] DType named_dtype() const {
    return parse_dtype(options_.recipe.name).value_or(DType::kBF16);
  }

  void choose() {
    std::vector<MlxModule> modules;
    for (const OutputTensor& tensor : model_.outputs) {
      modules.push_back({.name = tensor.mlx_name, .shape = tensor.mlx_shape});
    }
    const auto decisions = choose_mlx_quantization(
        options_.recipe, options_.recipe_options, config_.arch->mlx.rules, config_.layers, modules);
    for (std::size_t t = 0; t < modules.size(); ++t) {
      output_.tensors.push_back(
          {.dtype = dtype_,
           .mlx = decisions[t].quantization,
           .is_quantizable = is_mlx_quantizable(modules[t].name, modules[t].shape),
           .is_fallback = decisions[t].is_fallback});
    }
  }

  // Which tensors go into which shard: in order, a module's parts together, none over the limit
  // unless a module alone is.
  void divide() {
    std::uint64_t shard_bytes = 0;
    shards_.emplace_back();
    for (std::size_t t = 0; t < model_.outputs.size(); ++t) {
      if (model_.outputs[t].mlx_name.empty()) continue;
      std::uint64_t bytes = 0;
      for (const auto& part : stored_parts(model_.outputs[t], output_.tensors[t])) {
        bytes += part.bytes();
      }
      if (!shards_.back().empty() && shard_bytes + bytes > options_.max_shard_bytes) {
        shards_.emplace_back();
        shard_bytes = 0;
      }
      shards_.back().push_back(t);
      shard_bytes += bytes;
      tensor_bytes_ += bytes;
    }
  }

  Status lay_out() {
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
      std::vector<SafetensorsEntry> entries;
      for (const std::size_t t : shards_[shard]) {
        std::ranges::move(stored_parts(model_.outputs[t], output_.tensors[t]),
                          std::back_inserter(entries));
      }
      SafetensorsLayout layout = PJ_TRY(plan_safetensors(entries, kFileMetadata));
      const std::string name = safetensors_shard_name(shard, shards_.size());
      const int file = static_cast<int>(output_.files.size());
      std::size_t entry = 0;
      for (const std::size_t t : shards_[shard]) {
        PlannedTensor& planned = output_.tensors[t];
        const std::size_t parts = !planned.mlx ? 1 : planned.mlx->has_biases() ? 3 : 2;
        for (std::size_t part = 0; part < parts; ++part, ++entry) {
          planned.parts.push_back({.file = file, .offset = layout.tensor_offsets[entry]});
          weight_map_.emplace_back(entries[entry].name, name);
        }
      }
      output_.files.push_back({.path = "mlx/" + name,
                               .bytes = layout.file_bytes,
                               .header = std::move(layout.header),
                               .has_weights = true});
    }
    return {};
  }

  void add_document(const std::string& name, std::string text) {
    const std::uint64_t bytes = text.size();
    output_.files.push_back({.path = "mlx/" + name, .bytes = bytes, .header = std::move(text)});
  }

  Status add_documents() {
    const MlxDocumentInput input{.model = model_,
                                 .config = config_,
                                 .recipe = options_.recipe,
                                 .options = options_,
                                 .dtype = dtype_,
                                 .output = output_};
    std::string config = PJ_TRY(make_mlx_config(input));
    std::string metadata = make_mlx_metadata(input);
    std::string card = make_mlx_card(input);
    add_document("config.json", std::move(config));
    add_document("model.safetensors.index.json",
                 make_mlx_index(model_, std::move(weight_map_), tensor_bytes_));
    add_document("metadata.json", std::move(metadata));
    add_document("README.md", std::move(card));
    for (const auto& path : PJ_TRY(mlx_copied_files(model_.source.path))) {
      const File file = PJ_TRY(File::open_read(path));
      output_.files.push_back({.path = "mlx/" + path.filename().string(),
                               .bytes = PJ_TRY(file.size_bytes()),
                               .copied_from = path});
    }
    return {};
  }

  const Model& model_;
  const MlxPlanOptions& options_;
  ModelConfig config_;
  DType dtype_ = DType::kBF16;
  PlannedOutput output_;
  std::vector<std::vector<std::size_t>> shards_;  // indices into Model::outputs
  std::vector<std::pair<std::string, std::string>> weight_map_;
  std::uint64_t tensor_bytes_ = 0;
};

}  // namespace

Result<PlannedOutput> plan_mlx_output(const Model& model, const MlxPlanOptions& options) {
  return FolderPlanner(model, options).plan();
}

}  // namespace pajamas
