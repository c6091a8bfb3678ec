// SPDX-License-Identifier: Apache-2.0
// A model on disk seen one way whatever it is stored as: GGUF names, GGUF keys, and for every
// tensor the source rows it is made of.
//
// A Hugging Face folder and a GGUF file give the same picture, so whoever converts or runs a model
// knows the names and keys of GGUF only. Opening reads headers, config and tokenizer, never
// weights. The model is read-only after that and may be used from many threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archs/arch_spec.h"
#include "archs/output_tensor.h"
#include "base/error.h"
#include "base/json.h"
#include "codecs/weight_type.h"
#include "formats/mlx/mlx_folder.h"
#include "tensor/dtype.h"
#include "tensor/metadata.h"
#include "tensor/tensor_source.h"

namespace pajamas {

// Where a model came from, as the manifest records it.
struct SourceDescription {
  std::string format;    // "safetensors", "gguf", or "mlx" for quantized MLX folders
  std::string path;      // as opened
  std::string repo_id;   // empty for a plain path
  std::string revision;  // commit of the snapshot, 40 hex digits, or empty
};

struct OpenedModel {
  SourceDescription source;
  std::string name;                // last part of the path or repo id
  std::unique_ptr<MlxFolder> mlx;  // of an MLX folder with quantized tensors, its parts
  std::unique_ptr<TensorSource> tensors;
  Json config;  // config.json, null for GGUF sources; of an MLX folder without its quantization

  Metadata gguf_keys;                 // everything but general.file_type and quantization_version
  std::vector<OutputTensor> outputs;  // in file order
  std::vector<std::int64_t> fp8_block = {128, 128};  // rows, cols under one weight_scale_inv

  const ArchSpec* arch = nullptr;  // of archs/; null for GGUF sources
  std::string family;              // its name, or the GGUF architecture
  std::int64_t params_total = 0;   // elements of all weights
  std::vector<std::string> warnings;
};

// A folder with config.json, .safetensors files and a tokenizer; also an MLX folder, whose
// quantized tensors read as F32 (OpenedModel::mlx has them as they are stored).
Result<OpenedModel> open_model_folder(const std::filesystem::path& folder);

// A .gguf file, or the first of a split set.
Result<OpenedModel> open_model_gguf(const std::filesystem::path& path);

// Either of them, or a .safetensors file or the config.json of such a folder. `path` must be there.
Result<OpenedModel> open_model_path(const std::filesystem::path& path);

// open_model_path() in two steps, for who has something to do meanwhile: a vocabulary of a hundred
// thousand tokens takes longer to read than everything else together. The second step, once, adds
// to gguf_keys of a folder what the tokenizer says and the general.* keys; a GGUF file has them.
Result<OpenedModel> open_weights_path(const std::filesystem::path& path);
Status complete_model(OpenedModel& model);

// The type in which a tensor's rows are stored in the source, BF16 for FP8 and F32 for what is
// computed.
DType unquantized_dtype(const OpenedModel& model, const OutputTensor& tensor);

// The same, but MLX's own type for a matrix that an MLX folder has quantized, all of it alike.
WeightType stored_type(const OpenedModel& model, const OutputTensor& tensor);

}  // namespace pajamas
