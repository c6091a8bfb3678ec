// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan_outputs.h"

#include <algorithm>
#include <numeric>

#include "formats/gguf/gguf_split.h"
#include "formats/gguf/gguf_types.h"

namespace pajamas {
namespace {

constexpr std::uint32_t kQuantizationVersion = 2;  // ggml's, since 2023

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return result;
}

// What a file made with this recipe says about itself.
Metadata file_keys(const Model& model, const PlanOptions& options, const Recipe& recipe) {
  Metadata keys = model.gguf_keys;
  keys.set("general.quantization_version", kQuantizationVersion);
  keys.set("general.file_type", recipe.file_type);
  if (options.imatrix != nullptr) {
    const Imatrix& imatrix = *options.imatrix;
    keys.set("quantize.imatrix.file", options.imatrix_path);
    if (!imatrix.datasets.empty()) keys.set("quantize.imatrix.dataset", imatrix.datasets.front());
    keys.set("quantize.imatrix.entries_count", static_cast<std::uint32_t>(imatrix.entries.size()));
    if (imatrix.chunk_count > 0) {
      keys.set("quantize.imatrix.chunks_count", static_cast<std::uint32_t>(imatrix.chunk_count));
    }
  }
  for (const auto& [key, value] : options.override_keys) keys.set(key, value);
  return keys;
}

Result<const ImatrixEntry*> find_importance(const PlanOptions& options, const Recipe& recipe,
                                            const OutputTensor& tensor, DType dtype) {
  const Role role = role_of(tensor.name);
  const bool is_embedding = role == Role::kOutput || role == Role::kTokenEmbedding;
  const bool is_needed = recipe.needs_imatrix && dtype == recipe.base && !is_embedding;
  const ImatrixEntry* entry = nullptr;
  if (options.imatrix != nullptr) {
    const auto found = options.imatrix->entries.find(tensor.name);
    if (found != options.imatrix->entries.end()) entry = &found->second;
  }
  if (entry == nullptr && is_needed) {
    return make_error(
        ErrorCode::kInvalidArgument, "{} needs an importance matrix{}; {}", recipe.name,
        options.imatrix == nullptr ? ""
                                   : fmt::format(" with an entry for '{}', and '{}' has none",
                                                 tensor.name, options.imatrix_path),
        options.imatrix == nullptr ? "pass one with --imatrix FILE, or choose Q2_K"
                                   : "calibrate again on more text, or choose Q2_K");
  }
  if (entry == nullptr) return entry;
  const std::int64_t matrices = tensor.shape.rank() > 2 ? tensor.shape.dims[0] : 1;
  const auto expected = static_cast<std::size_t>(tensor.shape.cols() * matrices);
  if (entry->values.size() == expected) return entry;
  return make_error(ErrorCode::kInvalidData,
                    "importance matrix '{}': the entry for '{}' has {} values, expected {} ({} "
                    "columns x {} matrices); was it made for another model?",
                    options.imatrix_path, tensor.name, entry->values.size(), expected,
                    tensor.shape.cols(), matrices);
}

// File of the source every output tensor comes from, for --keep-split.
std::vector<int> source_files(const Model& model) {
  std::vector<int> files;
  for (const OutputTensor& tensor : model.outputs) {
    const TensorInfo* source =
        tensor.pieces.empty() ? nullptr : model.tensors->find(tensor.pieces.front().source);
    files.push_back(source == nullptr ? 0 : source->file);
  }
  return files;
}

class OutputPlanner {
 public:
  OutputPlanner(const Model& model, const PlanOptions& options, const Recipe& recipe)
      : model_(model), options_(options), recipe_(recipe) {}

  Result<PlannedOutput> plan() {
    output_.recipe = &recipe_;
    output_.method = recipe_.name;
    PJ_TRY(choose());
    for (std::size_t i = 0; i < model_.outputs.size(); ++i) {
      entries_.push_back({.name = model_.outputs[i].name,
                          .shape = model_.outputs[i].shape,
                          .dtype = output_.tensors[i].dtype});
    }
    const Metadata keys = file_keys(model_, options_, recipe_);
    const std::string stem = fmt::format("{}-{}", options_.name, lower(recipe_.name));
    if (options_.split.keep_split && model_.tensors->files().size() > 1) {
      PJ_TRY(lay_out_like_source(keys, stem));
    } else if (options_.split.max_bytes > 0 || options_.split.max_tensors > 0) {
      const GgufSplitOptions split{.max_tensors = options_.split.max_tensors,
                                   .max_bytes = options_.split.max_bytes};
      add_splits(PJ_TRY(plan_gguf_split(keys, entries_, split)), stem, all_tensors());
    } else {
      const auto* alignment = keys.find_as<std::uint32_t>("general.alignment");
      GgufLayout layout = PJ_TRY(
          plan_gguf(keys, entries_, alignment == nullptr ? kGgufDefaultAlignment : *alignment));
      add_file(stem + ".gguf", std::move(layout), all_tensors());
    }
    return std::move(output_);
  }

 private:
  Status choose() {
    std::vector<RecipeTensor> tensors;
    tensors.reserve(model_.outputs.size());
    for (const OutputTensor& tensor : model_.outputs) {
      tensors.push_back({tensor.name, tensor.shape, unquantized_dtype(model_, tensor)});
    }
    const std::vector<TypeDecision> decisions =
        PJ_TRY(choose_types(recipe_, model_.recipe_model, tensors, options_.recipe_options));
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      const TypeDecision& decision = decisions[i];
      const OutputTensor& tensor = model_.outputs[i];
      PlannedTensor planned{.dtype = decision.dtype,
                            .is_quantizable = decision.is_quantizable,
                            .is_fallback = decision.is_fallback};
      if (is_block_quantized(decision.dtype)) {
        planned.importance = PJ_TRY(find_importance(options_, recipe_, tensor, decision.dtype));
      }
      output_.tensors.push_back(planned);
    }
    return {};
  }

  void add_file(const std::string& file_name, GgufLayout layout,
                std::span<const std::size_t> members) {
    const int file = static_cast<int>(output_.files.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      output_.tensors[members[i]].parts = {{.file = file, .offset = layout.tensor_offsets[i]}};
    }
    output_.files.push_back({.path = "gguf/" + file_name,
                             .bytes = layout.file_bytes,
                             .header = std::move(layout.header),
                             .has_weights = true});
  }

  // `order`: the tensors in the order of the files.
  void add_splits(std::vector<GgufSplit> splits, const std::string& stem,
                  std::span<const std::size_t> order) {
    for (std::size_t i = 0; i < splits.size(); ++i) {
      add_file(gguf_split_name(stem, i, splits.size()), std::move(splits[i].layout),
               order.subspan(splits[i].first_tensor, splits[i].tensor_count));
    }
  }

  Status lay_out_like_source(const Metadata& keys, const std::string& stem) {
    const std::vector<int> files = source_files(model_);
    std::vector<std::size_t> order = all_tensors();
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return files[i]; });
    std::vector<GgufTensorEntry> entries;
    std::vector<std::size_t> per_file(model_.tensors->files().size());
    for (const std::size_t i : order) {
      entries.push_back(entries_[i]);
      ++per_file[static_cast<std::size_t>(files[i])];
    }
    add_splits(PJ_TRY(plan_gguf_split_at(keys, entries, per_file)), stem, order);
    return {};
  }

  [[nodiscard]] std::vector<std::size_t> all_tensors() const {
    std::vector<std::size_t> all(entries_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }

  const Model& model_;
  const PlanOptions& options_;
  const Recipe& recipe_;
  PlannedOutput output_;
  std::vector<GgufTensorEntry> entries_;
};

}  // namespace

Result<PlannedOutput> plan_gguf_output(const Model& model, const PlanOptions& options,
                                       const Recipe& recipe) {
  return OutputPlanner(model, options, recipe).plan();
}

}  // namespace pajamas
