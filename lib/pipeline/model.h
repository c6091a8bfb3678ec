// SPDX-License-Identifier: Apache-2.0
// A model opened for conversion: what models/ knows of it, and what recipes ask about it.
//
// Opening reads headers, config and tokenizer, never weights. The model is read-only after that and
// may be used from many threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "models/opened_model.h"
#include "pipeline/source_hash.h"
#include "quantize/recipe.h"

namespace pajamas {

struct Model : OpenedModel {
  RecipeModel recipe_model = {};
  std::int64_t params_non_embedding = 0;  // without token embedding and output
  std::unique_ptr<SourceHasher> hasher;   // of the source files, at work; see hash_ahead
};

struct ModelOptions {
  std::string revision = "main";  // for repo ids
  bool allow_requantize = false;  // accept a GGUF source with block-quantized tensors
  // A thread of its own begins to hash the source files while the tokenizer is read.
  bool hash_ahead = false;
};

// `what`: a folder, a .safetensors or .gguf file, or a repo id found in the local Hugging Face
// cache. Nothing is downloaded.
Result<Model> open_model(std::string_view what, const ModelOptions& options);

}  // namespace pajamas
