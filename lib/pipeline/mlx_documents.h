// SPDX-License-Identifier: Apache-2.0
// The files of an MLX folder beside its weights: config.json as mlx-lm reads it, the index, the
// model card, our metadata, and what is copied from the source as it is.
//
// Everything follows from the model and the plan, so the same conversion gives the same bytes.
// docs/formats/mlx.md
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "archs/model_config.h"
#include "base/error.h"
#include "base/json.h"
#include "pipeline/model.h"
#include "pipeline/plan.h"

namespace pajamas {

struct MlxDocumentInput {
  const Model& model;
  const ModelConfig& config;  // parsed from model.config
  const MlxRecipe& recipe;
  const MlxPlanOptions& options;
  DType dtype;                  // of what is not quantized
  const PlannedOutput& output;  // its tensors and weight files are planned
};

// config.json: the source's, with the quantization, and with what mlx-lm's model classes expect to
// find at the top.
Result<std::string> make_mlx_config(const MlxDocumentInput& input);

// "quantization" of config.json; null when nothing is quantized.
Json mlx_quantization_settings(const MlxDocumentInput& input);

// model.safetensors.index.json. weights: stored tensors with their files.
std::string make_mlx_index(const Model& model,
                           std::vector<std::pair<std::string, std::string>> weights,
                           std::uint64_t tensor_bytes);

// README.md: the source card's front matter with what makes it an MLX model's.
std::string make_mlx_card(const MlxDocumentInput& input);

// metadata.json.
std::string make_mlx_metadata(const MlxDocumentInput& input);

// Files of the source folder that belong to the model and hold no weights: tokenizer, chat
// templates, generation settings, licence. Sorted by name.
Result<std::vector<std::filesystem::path>> mlx_copied_files(const std::filesystem::path& folder);

}  // namespace pajamas
