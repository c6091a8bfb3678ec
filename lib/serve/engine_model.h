// SPDX-License-Identifier: Apache-2.0
// The ServedModel of a real model: engine, tokenizer, chat template, sampler and grammars behind
// one scheduler.
//
// Owns all of them. Requests tokenize and render on their own threads; only the forward pass and
// the choice of tokens run on the scheduler's.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/progress.h"
#include "runtime/engine.h"
#include "serve/scheduler.h"
#include "serve/served_model.h"

namespace pajamas {

struct EngineModelOptions {
  std::string id;  // empty: the model's name
  EngineOptions engine{};
  SchedulerOptions scheduler{};
  std::string chat_template{};  // instead of the model's own
};

// Reads and loads the model. cache_positions of the engine options is set here: a context for each
// of the scheduler's places, unless it is given.
Result<std::unique_ptr<ServedModel>> open_engine_model(const std::filesystem::path& path,
                                                       const EngineModelOptions& options,
                                                       const CancelToken& cancel,
                                                       Progress& progress);

}  // namespace pajamas
