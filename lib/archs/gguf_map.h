// SPDX-License-Identifier: Apache-2.0
// From a Hugging Face model (its config and the list of its tensors) to the tensors and keys of a
// GGUF file, driven by the tables in families/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "archs/arch_spec.h"
#include "archs/output_tensor.h"
#include "base/error.h"
#include "base/json.h"
#include "tensor/metadata.h"
#include "tensor/tensor_source.h"

namespace pajamas {

struct GgufMap {
  const ArchSpec* arch = nullptr;
  bool inside_multimodal = false;  // config.json has the text model in a part of its own
  // general.architecture and all {arch}.* keys; not the tokenizer's, not general.name and the like.
  Metadata keys;
  // In llama.cpp's order: tensors outside blocks by name, then blk.N by number, names inside.
  std::vector<OutputTensor> tensors;
  // Source tensors that nothing uses and that are not known to be droppable: one line each.
  std::vector<std::string> warnings;
};

// `config` is config.json as it was parsed. Errors: an architecture that is not supported (names
// the nearest that are), a missing or ill-typed key, a missing tensor, a shape that contradicts
// the config.
Result<GgufMap> map_to_gguf(const Json& config, std::span<const TensorInfo> source);

}  // namespace pajamas
