// SPDX-License-Identifier: Apache-2.0
// The plan of a conversion: for every output its files, and for every tensor the type and the byte
// ranges it gets in them.
//
// An output is a list of planned files; a tensor of it has one part or several, each a range of one
// file in which the part's rows lie one after another: a GGUF tensor has one, a quantized module of
// an MLX folder three (codes, scales, biases). Whoever writes knows only that.
//
// Made from headers alone, so sizes are exact before work starts. Holds pointers into the Model and
// the Imatrix it was made from; both must outlive it. Read-only once made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "codecs/mlx/mlx_codec.h"
#include "formats/imatrix/imatrix_file.h"
#include "pipeline/model.h"
#include "quantize/mlx_recipe.h"
#include "quantize/recipe.h"

namespace pajamas {

struct SplitOptions {
  bool keep_split = false;        // as many files as the source has, tensors where they were
  std::uint64_t max_tensors = 0;  // in a file; 0: no limit
  std::uint64_t max_bytes = 0;    // of tensor data in a file; 0: no limit
};

struct MlxPlanOptions {
  MlxRecipe recipe;
  MlxRecipeOptions recipe_options;
  std::optional<DType> dtype;  // of what is not quantized, and of scales; nothing: the model's
  MlxRounding rounding = MlxRounding::kCpu;
  MlxQuality quality = MlxQuality::kDefault;
  std::uint64_t max_shard_bytes = std::uint64_t{5} << 30;  // of tensor data, as mlx-lm has it
};

struct PlanOptions {
  std::vector<const Recipe*> recipes;  // one GGUF output each, in the order asked for
  std::optional<MlxPlanOptions> mlx;   // one MLX folder, after them
  std::string name;                    // first part of GGUF file names, lower case
  RecipeOptions recipe_options;
  const Imatrix* imatrix = nullptr;
  std::string imatrix_path;  // recorded in the file when an imatrix is used
  SplitOptions split;
  std::vector<std::pair<std::string, MetadataValue>> override_keys;
};

enum class OutputFormat : std::uint8_t { kGguf, kMlx };

// Also the folder below the artifact folder: "gguf", "mlx".
std::string_view output_format_name(OutputFormat format);

// A range of a file that holds a part of a tensor, row after row.
struct PlannedPart {
  int file = 0;              // index into PlannedOutput::files
  std::uint64_t offset = 0;  // in that file
};

struct PlannedTensor {
  DType dtype = DType::kF32;  // as stored; where `mlx` is set, of scales and biases
  std::optional<MlxQuantization> mlx;
  bool is_quantizable = false;
  bool is_fallback = false;
  const ImatrixEntry* importance = nullptr;
  std::vector<PlannedPart> parts;  // none: this output does not have the tensor

  [[nodiscard]] bool is_quantized() const { return mlx || is_block_quantized(dtype); }
  [[nodiscard]] std::string type_name() const;
};

struct PlannedFile {
  std::string path;  // below the artifact folder: "gguf/m-q4_k_m.gguf"
  std::uint64_t bytes = 0;
  std::string header;                 // its first bytes; of a file without tensors, all
  std::filesystem::path copied_from;  // not empty: the file is a copy of this one
  bool has_weights = false;
};

struct PlannedOutput {
  OutputFormat format = OutputFormat::kGguf;
  std::string method;                  // "Q4_K_M", "4bit"
  const Recipe* recipe = nullptr;      // of a GGUF output
  MlxEncoding mlx_encoding;            // of an MLX folder, for all modules but their quantization
  std::vector<PlannedFile> files;      // those with weights first, in order
  std::vector<PlannedTensor> tensors;  // parallel to Model::outputs

  // Rows in the order and with the values of the source, not those of GGUF.
  [[nodiscard]] bool is_in_source_order() const { return format == OutputFormat::kMlx; }
  [[nodiscard]] std::uint64_t total_bytes() const;
  [[nodiscard]] std::uint64_t weight_bytes() const;  // of files with weights
};

struct Plan {
  std::vector<PlannedOutput> outputs;
  std::vector<std::string> warnings;

  [[nodiscard]] std::uint64_t total_bytes() const;
};

Result<Plan> make_plan(const Model& model, const PlanOptions& options);

// "KEY=TYPE:VALUE" with TYPE int, float, bool or str, as llama-quantize takes it.
Result<std::pair<std::string, MetadataValue>> parse_override_key(std::string_view text);

}  // namespace pajamas
