// SPDX-License-Identifier: Apache-2.0
// A model opened for conversion: its tensors, and how each output tensor is made from them.
//
// Opening reads headers, config and tokenizer, never weights. The model is read-only after that and
// may be used from many threads.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archs/output_tensor.h"
#include "base/error.h"
#include "base/json.h"
#include "quantize/recipe.h"
#include "tensor/metadata.h"
#include "tensor/tensor_source.h"

namespace pajamas {

// Where a model came from, as the manifest records it.
struct SourceDescription {
  std::string format;    // "safetensors" or "gguf"
  std::string path;      // as opened
  std::string repo_id;   // empty for a plain path
  std::string revision;  // commit of the snapshot, 40 hex digits, or empty
};

struct Model {
  SourceDescription source;
  std::string name;  // last part of the path or repo id
  std::unique_ptr<TensorSource> tensors;
  Json config;  // config.json, null for GGUF sources

  Metadata gguf_keys;                 // everything but general.file_type and quantization_version
  std::vector<OutputTensor> outputs;  // in file order
  RecipeModel recipe_model;
  std::vector<std::int64_t> fp8_block = {128, 128};  // rows, cols under one weight_scale_inv

  std::string family;                     // of archs/, or the GGUF architecture
  std::int64_t params_total = 0;          // elements of all weights
  std::int64_t params_non_embedding = 0;  // without token embedding and output
  std::vector<std::string> warnings;
};

struct ModelOptions {
  std::string revision = "main";  // for repo ids
  bool allow_requantize = false;  // accept a GGUF source with block-quantized tensors
};

// `what`: a folder, a .safetensors or .gguf file, or a repo id found in the local Hugging Face
// cache. Nothing is downloaded.
Result<Model> open_model(std::string_view what, const ModelOptions& options);

// The dtype a tensor has when a recipe leaves it alone.
DType unquantized_dtype(const Model& model, const OutputTensor& tensor);

}  // namespace pajamas
