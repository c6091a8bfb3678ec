// SPDX-License-Identifier: Apache-2.0
// The verb `convert`: a model in, quantized files and a manifest out. `estimate` is its first half.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "pipeline/execute.h"
#include "pipeline/manifest.h"
#include "pipeline/model.h"
#include "pipeline/plan.h"

namespace pajamas {

// An MLX folder as the user asks for it; see MlxPlanOptions.
struct MlxRequest {
  std::string precision;  // "4bit", "mixed_3_6"; empty: by the options
  MlxRecipeOptions recipe_options;
  std::string dtype;  // "f32", "f16" or "bf16"; empty: the model's
  MlxRounding rounding = MlxRounding::kCpu;
  MlxQuality quality = MlxQuality::kDefault;
  std::uint64_t max_shard_bytes = 0;  // 0: mlx-lm's 5 GiB
};

struct ConvertOptions {
  std::string model;                    // folder, file or repo id
  std::filesystem::path output;         // artifact folder; empty is fine for an estimate
  std::vector<std::string> gguf_types;  // recipe names; none: no GGUF
  std::optional<MlxRequest> mlx;        // none: no MLX folder
  std::string name;                     // of the files; empty: from the model
  ModelOptions model_options;
  RecipeOptions recipe_options;
  std::filesystem::path imatrix;  // empty: none
  SplitOptions split;
  std::vector<std::string> override_keys;  // KEY=TYPE:VALUE
  ExecuteOptions execute;
};

// A model with its plan: what `estimate` shows and `convert` carries out.
struct PreparedConversion {
  Model model;
  std::optional<Imatrix> imatrix;
  Plan plan;
  std::string name;
};

struct ConvertReport {
  std::vector<FinishedOutput> outputs;  // points into the prepared plan
  ExecuteResult execution;
  double wall_seconds = 0;
  bool was_complete = false;  // an earlier run had done everything but publishing
};

// unique_ptr: plan and report point into the parts, so the whole must not move.
Result<std::unique_ptr<PreparedConversion>> prepare_conversion(const ConvertOptions& options);

// What the model's hasher has done by now is used, once; everything else stays as it is.
Result<ConvertReport> convert(PreparedConversion& prepared, const ConvertOptions& options,
                              const CancelToken& cancel, Progress& progress);

}  // namespace pajamas
