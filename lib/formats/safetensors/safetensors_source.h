// SPDX-License-Identifier: Apache-2.0
// Safetensors as a TensorSource: one file, a folder with model.safetensors, or a sharded folder
// with model.safetensors.index.json.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "tensor/tensor_source.h"

namespace pajamas {

// `path`: a .safetensors file or a folder. A folder that holds only pickles (.bin, .pt, .pth) is an
// error that says why they are not read and how to convert them.
Result<std::unique_ptr<TensorSource>> open_safetensors(const std::filesystem::path& path);

}  // namespace pajamas
