// SPDX-License-Identifier: Apache-2.0
// The whole service: models, scheduler, endpoints and HTTP server put together.
//
//   const auto service =
//       PJ_TRY(start_service({.models = {"model.gguf"}, .http = {.port = 8080}}, stop, progress));
//   wait_for(stop);   // the end of `service` stops the server gracefully
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "http/server.h"
#include "serve/engine_model.h"
#include "serve/model_library.h"
#include "serve/thinking/thought_splitter.h"

namespace pajamas {

struct ServeOptions {
  // Each is a .gguf file, a model folder, an artifact folder, or a folder of such folders.
  std::vector<std::filesystem::path> models;
  std::string alias{};  // the id of the first model; empty: the name of its file or folder
  http::ServerOptions http{};
  EngineOptions engine{};  // of each model
  SchedulerOptions scheduler{};
  std::uint64_t max_memory = 0;  // for the weights of all loaded models; 0: no limit
  std::string chat_template{};   // instead of the models' own
  ReasoningFormat reasoning_format = ReasoningFormat::kSplit;  // of requests that name none
};

// Serves in the background until it is destroyed, which stops it gracefully.
class RunningService {
 public:
  virtual ~RunningService() = default;
  [[nodiscard]] virtual int port() const = 0;
};

// Loads the first model, so that what is wrong with it is known at once; the others are loaded
// when they are asked for. `cancel` and `progress` outlive the service.
Result<std::unique_ptr<RunningService>> start_service(const ServeOptions& options,
                                                      const CancelToken& cancel,
                                                      Progress& progress);

// For tests and other programs that bring their own models.
Result<std::unique_ptr<RunningService>> start_service_with(
    std::vector<OfferedModel> models, const http::ServerOptions& options,
    const LibraryLimits& limits, ReasoningFormat reasoning_format = ReasoningFormat::kSplit);

// Returns when the token is set, by a signal handler or by anyone.
void wait_for(const CancelToken& stop);

// The models that a path stands for, with their ids.
struct NamedModel {
  std::string id;
  std::filesystem::path path;
  std::uint64_t bytes = 0;  // of the weights on disk
};
Result<std::vector<NamedModel>> find_models(const std::filesystem::path& path);

}  // namespace pajamas
