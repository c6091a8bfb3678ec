// SPDX-License-Identifier: Apache-2.0
#include "pipeline/mlx_documents.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "pipeline/manifest.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr JsonLimits kGenerationLimits{.max_bytes = std::uint64_t{1} << 20, .max_depth = 32};
constexpr std::uint64_t kMaxCardBytes = std::uint64_t{1} << 20;
constexpr int kJsonIndent = 4;  // as mlx-lm writes it

std::string_view torch_name(DType dtype) {
  if (dtype == DType::kF32) return "float32";
  return dtype == DType::kF16 ? "float16" : "bfloat16";
}

Json settings_of(const MlxQuantization& quantization) {
  return {{"group_size", quantization.group_size},
          {"bits", quantization.bits},
          {"mode", mlx_mode_name(quantization.mode)}};
}

void set_if_missing(Json& object, std::string_view key, const Json& value) {
  if (find_member(object, key) == nullptr) object[std::string(key)] = value;
}

// The scaling as it was written before rope_parameters, null when there is none.
Json legacy_scaling(const Json& parameters) {
  Json scaling = parameters;
  scaling.erase("rope_theta");
  const Json* type = find_member(scaling, "rope_type");
  if (type == nullptr) type = find_member(scaling, "type");
  if (type == nullptr || *type == "default") return nullptr;
  const Json name = *type;
  scaling["type"] = name;
  scaling["rope_type"] = name;
  return scaling;
}

// mlx-lm's classes read rope_theta and rope_scaling; newer configs have rope_parameters, some with
// one part for each kind of layer.
void add_legacy_rope(Json& text, const ModelConfig& config) {
  set_if_missing(text, "rope_theta", config.rope.theta);
  if (config.rope.local_theta) {
    set_if_missing(text, "rope_local_base_freq", *config.rope.local_theta);
  }
  const Json* parameters = find_member(text, "rope_parameters");
  if (parameters != nullptr && parameters->is_object()) {
    const Json* full = find_member(*parameters, "full_attention");
    const Json scaling = legacy_scaling(full != nullptr && full->is_object() ? *full : *parameters);
    if (!scaling.is_null()) set_if_missing(text, "rope_scaling", scaling);
  }
  const Json* scaling = find_member(text, "rope_scaling");
  if (scaling != nullptr && scaling->is_object()) text["rope_scaling"] = legacy_scaling(*scaling);
}

// Keys that mlx-lm's classes require, with the values that the source leaves to its defaults.
void add_required_keys(Json& text, const ModelConfig& config, bool is_tied) {
  set_if_missing(text, "num_key_value_heads", config.kv_heads);
  set_if_missing(text, "head_dim", config.head_dim);
  set_if_missing(text, "rms_norm_eps", config.rms_norm_eps);
  set_if_missing(text, "max_position_embeddings", config.context_length);
  set_if_missing(text, "tie_word_embeddings", is_tied);
}

// The end-of-text tokens of generation_config.json win: mlx-lm stops at what config.json says.
Status set_end_tokens(Json& config, const fs::path& folder) {
  const fs::path path = folder / "generation_config.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  const Json generation = PJ_TRY(read_json_file(path, kGenerationLimits));
  const Json* tokens = find_member(generation, "eos_token_id");
  if (tokens != nullptr) config["eos_token_id"] = *tokens;
  return {};
}

bool has_head(const Model& model) {
  return std::ranges::any_of(model.outputs, [](const OutputTensor& tensor) {
    return tensor.mlx_name.ends_with("lm_head.weight");
  });
}

std::int64_t vocabulary_rows(const Model& model) {
  for (const OutputTensor& tensor : model.outputs) {
    if (tensor.mlx_name.ends_with("embed_tokens.weight")) return tensor.mlx_shape.dims.front();
  }
  return 0;
}

// The blocks of a card's front matter, each a key at the start of a line and what belongs to it.
std::vector<std::string> front_matter_blocks(std::string_view card) {
  std::vector<std::string> blocks;
  if (!card.starts_with("---\n")) return blocks;
  card.remove_prefix(4);
  const std::size_t end = card.find("\n---");
  if (end == std::string_view::npos) return blocks;
  card = card.substr(0, end + 1);
  while (!card.empty()) {
    const std::size_t line_end = std::min(card.find('\n'), card.size() - 1);
    const std::string line(card.substr(0, line_end + 1));
    card.remove_prefix(line_end + 1);
    const bool continues = line.starts_with(" ") || line.starts_with("-") || line == "\n";
    if (continues && !blocks.empty()) {
      blocks.back() += line;
    } else if (!continues) {
      blocks.push_back(line);
    }
  }
  return blocks;
}

std::string source_card(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "README.md", ignored)) return {};
  return read_text_file(folder / "README.md", kMaxCardBytes).value_or("");
}

std::string front_matter(const MlxDocumentInput& input) {
  std::string text = "---\n";
  std::string tags = "tags:\n";
  for (const std::string& block : front_matter_blocks(source_card(input.model.source.path))) {
    const bool is_ours = block.starts_with("library_name:") || block.starts_with("pipeline_tag:") ||
                         block.starts_with("base_model:") ||
                         block.starts_with("base_model_relation:");
    if (block.starts_with("tags:\n")) {
      tags = block;
    } else if (!is_ours && !block.starts_with("tags:")) {
      text += block;
    }
  }
  if (tags.find("- mlx\n") == std::string::npos) tags += "- mlx\n";
  text += "library_name: mlx\npipeline_tag: text-generation\n" + tags;
  if (!input.model.source.repo_id.empty()) {
    text += fmt::format("base_model: {}\n", input.model.source.repo_id);
  }
  return text + "---\n";
}

std::string describe_weights(const MlxDocumentInput& input) {
  if (!input.recipe.base) return fmt::format("not quantized ({})", torch_name(input.dtype));
  return fmt::format("{} ({}, {})", input.recipe.name, input.recipe.base->name(),
                     torch_name(input.dtype));
}

bool is_copied_name(std::string_view name) {
  constexpr auto kEndings = std::to_array<std::string_view>(
      {".json", ".jsonl", ".jinja", ".txt", ".py", ".tiktoken", "tokenizer.model"});
  constexpr auto kNotCopied = std::to_array<std::string_view>(
      {"config.json", "metadata.json", "manifest.json", "hf_quant_config.json"});
  if (name.ends_with(".index.json") || name.starts_with(".")) return false;
  if (std::ranges::find(kNotCopied, name) != kNotCopied.end()) return false;
  return name.starts_with("LICENSE") ||
         std::ranges::any_of(kEndings, [&](auto ending) { return name.ends_with(ending); });
}

}  // namespace

Json mlx_quantization_settings(const MlxDocumentInput& input) {
  if (!input.recipe.base) return nullptr;
  Json settings = settings_of(*input.recipe.base);
  for (std::size_t t = 0; t < input.output.tensors.size(); ++t) {
    const auto& quantization = input.output.tensors[t].mlx;
    if (!quantization || *quantization == *input.recipe.base) continue;
    settings[std::string(mlx_module_path(input.model.outputs[t].mlx_name))] =
        settings_of(*quantization);
  }
  return settings;
}

Result<std::string> make_mlx_config(const MlxDocumentInput& input) {
  Json config = input.model.config;
  for (const char* key :
       {"_name_or_path", "vision_config", "quantization", "quantization_config"}) {
    config.erase(key);
  }
  Json& text = input.config.inside_multimodal ? config["text_config"] : config;
  text.erase("quantization_config");
  add_legacy_rope(text, input.config);
  add_required_keys(text, input.config, !has_head(input.model));
  // mlx-lm's multimodal classes take the size of the vocabulary from the top.
  if (input.config.inside_multimodal) config["vocab_size"] = vocabulary_rows(input.model);
  PJ_TRY(set_end_tokens(config, input.model.source.path));
  for (Json* object : {&config, &text}) {
    if (object->contains("dtype")) (*object)["dtype"] = torch_name(input.dtype);
    (*object)["torch_dtype"] = torch_name(input.dtype);
  }
  const Json settings = mlx_quantization_settings(input);
  if (!settings.is_null()) {
    config["quantization"] = settings;
    config["quantization_config"] = settings;  // where the hub looks
  }
  std::map<std::string, Json> sorted;
  for (auto& [key, value] : config.items()) sorted[key] = value;
  return Json(sorted).dump(kJsonIndent) + "\n";
}

std::string make_mlx_index(const Model& model,
                           std::vector<std::pair<std::string, std::string>> weights,
                           std::uint64_t tensor_bytes) {
  std::int64_t params = 0;
  for (const OutputTensor& tensor : model.outputs) {
    if (!tensor.mlx_name.empty()) params += tensor.mlx_shape.elems();
  }
  std::ranges::sort(weights);
  Json map = Json::object();
  for (auto& [name, file] : weights) {
    map.get_ref<Json::object_t&>().emplace_back(std::move(name), std::move(file));
  }
  const Json index = {{"metadata", {{"total_size", tensor_bytes}, {"total_parameters", params}}},
                      {"weight_map", std::move(map)}};
  return index.dump(kJsonIndent) + "\n";
}

std::string make_mlx_card(const MlxDocumentInput& input) {
  const std::string& repo = input.model.source.repo_id;
  return fmt::format(
      "{}\n# {}, MLX\n\n"
      "Made from {} with llama-pajamas-quant {}. Weights: {}.\n\n"
      "```\npip install mlx-lm\nmlx_lm.generate --model PATH_OF_THIS_FOLDER --prompt \"Hello\"\n"
      "```\n",
      front_matter(input), input.model.name,
      repo.empty() ? input.model.name : fmt::format("[{}](https://huggingface.co/{})", repo, repo),
      kPipelineVersion, describe_weights(input));
}

std::string make_mlx_metadata(const MlxDocumentInput& input) {
  std::map<std::string, std::int64_t> counts;
  for (const PlannedTensor& tensor : input.output.tensors) {
    if (!tensor.parts.empty()) ++counts[tensor.type_name()];
  }
  const bool is_metal = input.options.rounding == MlxRounding::kMetal;
  const bool is_best = input.options.quality == MlxQuality::kBest;
  const Json metadata = {{"format", "mlx"},
                         {"format_version", 1},
                         {"architecture", input.model.family},
                         {"quantization_method", input.recipe.name},
                         {"quantization", mlx_quantization_settings(input)},
                         {"rounding", is_metal ? "metal" : "cpu"},
                         {"quality", is_best ? "best" : "default"},
                         {"dtype", dtype_name(input.dtype)},
                         {"tensor_types", counts},
                         {"compatible_backends", {"mlx", "cpu"}},
                         {"runtime_requirements", {{"loads_in", "mlx-lm"}}}};
  return metadata.dump(2) + "\n";
}

Result<std::vector<fs::path>> mlx_copied_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (is_copied_name(entry->path().filename().string()) && entry->is_regular_file(error)) {
      files.push_back(entry->path());
    }
  }
  if (error) {
    return make_error(ErrorCode::kIo, "cannot list folder '{}': {}", folder.string(),
                      error.message());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace pajamas
