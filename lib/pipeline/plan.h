// SPDX-License-Identifier: Apache-2.0
// The plan of a conversion: for every output file every tensor's type and byte offset.
//
// Made from headers alone, so sizes are exact before work starts. Holds pointers into the Model and
// the Imatrix it was made from; both must outlive it. Read-only once made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "formats/gguf/gguf_layout.h"
#include "formats/imatrix/imatrix_file.h"
#include "pipeline/model.h"
#include "quantize/recipe.h"

namespace pajamas {

struct SplitOptions {
  bool keep_split = false;        // as many files as the source has, tensors where they were
  std::uint64_t max_tensors = 0;  // in a file; 0: no limit
  std::uint64_t max_bytes = 0;    // of tensor data in a file; 0: no limit
};

struct PlanOptions {
  std::vector<const Recipe*> recipes;  // one output each, in the order asked for
  std::string name;                    // first part of file names, lower case
  RecipeOptions recipe_options;
  const Imatrix* imatrix = nullptr;
  std::string imatrix_path;  // recorded in the file when an imatrix is used
  SplitOptions split;
  std::vector<std::pair<std::string, MetadataValue>> override_keys;
};

struct PlannedTensor {
  DType dtype = DType::kF32;
  bool is_quantizable = false;
  bool is_fallback = false;
  const ImatrixEntry* importance = nullptr;
  int shard = 0;
  std::uint64_t offset = 0;  // in the shard's file
};

struct PlannedShard {
  std::string file_name;
  GgufLayout layout;
};

struct PlannedOutput {
  const Recipe* recipe = nullptr;
  std::vector<PlannedShard> shards;
  std::vector<PlannedTensor> tensors;  // parallel to Model::outputs

  [[nodiscard]] std::uint64_t total_bytes() const;
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
