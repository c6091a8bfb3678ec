// SPDX-License-Identifier: Apache-2.0
// The GGUF keys that describe a model: general.architecture and everything under {arch}.
#pragma once

#include "archs/model_config.h"
#include "tensor/metadata.h"

namespace pajamas {

// In the order in which llama.cpp's own converter adds them.
Metadata gguf_keys(const ModelConfig& model, std::int64_t vocab_rows);

}  // namespace pajamas
