// SPDX-License-Identifier: Apache-2.0
// The flags that every command of llama-pajamas-run has: which model, on what, with how much
// memory.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "../flags.h"
#include "base/cancel.h"
#include "base/error.h"
#include "runtime/engine.h"

namespace pajamas::cli {

struct ModelFlags {
  std::string model;
  std::string gguf_type;
  std::string backend = "auto";
  int threads = 0;
  int context = 0;
  std::string kv_type = "f16";
  int batch = 512;
  std::string max_memory;
  bool json = false;
  bool quiet = false;
};

inline constexpr auto kModelFlags = std::to_array<Flag<ModelFlags>>({
    {"model", &ModelFlags::model, "MODEL",
     "a .gguf file, a Hugging Face folder, or a folder that llama-pajamas-quant made", true},
    {"--gguf-type", &ModelFlags::gguf_type, "TYPE",
     "which file of an artifact folder (default: the best that fits the memory)"},
    {"--backend", &ModelFlags::backend, "NAME",
     "auto, cpu, or mlx where its library is built (docs/backends.md)"},
    {"-t,--threads", &ModelFlags::threads, "N", "threads (default: all CPUs)"},
    {"-c,--context", &ModelFlags::context, "N",
     "tokens of text that the model sees (default: the model's, at most 4096)"},
    {"--kv-type", &ModelFlags::kv_type, "TYPE", "type of the KV cache: f32, f16 or q8_0"},
    {"--batch", &ModelFlags::batch, "N", "tokens of a prompt that are evaluated together"},
    {"--max-memory", &ModelFlags::max_memory, "SIZE",
     "limit for weights and cache, like 8G (default: what the system has available)"},
    {"--json", &ModelFlags::json, "", "print the result as JSON"},
    {"-q,--quiet", &ModelFlags::quiet, "", "no progress, no statistics"},
});

// Errors: a backend, type or size that is not known.
Result<EngineOptions> engine_options(const ModelFlags& flags);

// Loads the model; progress and warnings go to standard error.
Result<std::unique_ptr<Engine>> open_engine(const ModelFlags& flags, const CancelToken& cancel);

}  // namespace pajamas::cli
