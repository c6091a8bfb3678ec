// SPDX-License-Identifier: Apache-2.0
#include "serve/service.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "serve/endpoints/endpoints.h"
#include "serve/metrics.h"
#include "serve/unix_time.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

class Service : public RunningService {
 public:
  Service(std::vector<OfferedModel> models, const LibraryLimits& limits)
      : library_(std::move(models), limits) {}

  Status start(const http::ServerOptions& options, ReasoningFormat reasoning_format) {
    http::Router router;
    for (const ModelLibrary::Entry& model : library_.list()) metrics_.of(model.id);
    add_routes(router,
               {.models = library_, .metrics = metrics_, .reasoning_format = reasoning_format});
    server_ = PJ_TRY(http::Server::start(options, std::move(router)));
    return {};
  }
  [[nodiscard]] int port() const override { return server_->port(); }
  ModelLibrary& library() { return library_; }

 private:
  Metrics metrics_;
  ModelLibrary library_;
  std::unique_ptr<http::Server> server_;  // last: its handlers use the others
};

std::uint64_t file_bytes(const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  return error ? 0 : static_cast<std::uint64_t>(bytes);
}

bool is_model_folder(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path / "config.json", error) || fs::exists(path / "manifest.json", error)) {
    return true;
  }
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.path().extension() == ".gguf") return true;
  }
  return false;
}

// Of a folder: its safetensors, or its largest GGUF file, wherever they lie.
std::uint64_t weight_bytes(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return file_bytes(path);
  std::uint64_t tensors = 0;
  std::uint64_t largest = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    const std::string extension = entry.path().extension();
    if (extension == ".safetensors") tensors += file_bytes(entry.path());
    if (extension == ".gguf") largest = std::max(largest, file_bytes(entry.path()));
  }
  return std::max(tensors, largest);
}

std::string id_of(const fs::path& path) {
  const fs::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return name.extension() == ".gguf" ? name.stem().string() : name.string();
}

}  // namespace

Result<std::vector<NamedModel>> find_models(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    return make_error(ErrorCode::kNotFound, "{}: there is no such file or folder", path.string());
  }
  const fs::path whole = fs::weakly_canonical(path, error);
  if (!fs::is_directory(path, error) || is_model_folder(path)) {
    return std::vector<NamedModel>{{id_of(whole), path, weight_bytes(path)}};
  }
  std::vector<NamedModel> models;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (!entry.is_directory(error) || !is_model_folder(entry.path())) continue;
    models.push_back({id_of(entry.path()), entry.path(), weight_bytes(entry.path())});
  }
  std::ranges::sort(models, {}, &NamedModel::id);
  if (models.empty()) {
    return make_error(ErrorCode::kNotFound,
                      "{}: no model in it; expected config.json, manifest.json or .gguf files, "
                      "there or in its folders",
                      path.string());
  }
  return models;
}

Result<std::unique_ptr<RunningService>> start_service_with(std::vector<OfferedModel> models,
                                                           const http::ServerOptions& options,
                                                           const LibraryLimits& limits,
                                                           ReasoningFormat reasoning_format) {
  auto service = std::make_unique<Service>(std::move(models), limits);
  PJ_TRY(service->library().acquire(""));
  PJ_TRY(service->start(options, reasoning_format));
  return service;
}

Result<std::unique_ptr<RunningService>> start_service(const ServeOptions& options,
                                                      const CancelToken& cancel,
                                                      Progress& progress) {
  std::vector<OfferedModel> offered;
  for (const fs::path& path : options.models) {
    std::vector<NamedModel> models = PJ_TRY(find_models(path));
    for (NamedModel& model : models) {
      if (offered.empty() && !options.alias.empty()) model.id = options.alias;
      const auto same = [&](const OfferedModel& other) { return other.id == model.id; };
      if (std::ranges::any_of(offered, same)) {
        return make_error(ErrorCode::kConflict, "two models are called '{}'; rename one's folder",
                          model.id);
      }
      EngineModelOptions generator{.id = model.id,
                                   .engine = options.engine,
                                   .scheduler = options.scheduler,
                                   .chat_template = options.chat_template};
      offered.push_back(
          {.id = model.id,
           .created_s = unix_time_s(),
           .bytes = model.bytes,
           .load = [path = model.path, generator, &cancel, &progress]() -> Result<SharedModel> {
             return SharedModel(PJ_TRY(open_engine_model(path, generator, cancel, progress)));
           }});
    }
  }
  if (offered.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "no model to serve: give one with --model");
  }
  http::ServerOptions http = options.http;
  // A thread for each request that the scheduler holds, so that those that wait have their stream
  // open and kept alive already.
  constexpr int kMostThreads = 128;
  http.lengthy.max_admitted = options.scheduler.parallel + options.scheduler.max_waiting;
  http.lengthy.threads = std::min(http.lengthy.max_admitted, kMostThreads);
  return start_service_with(std::move(offered), http, {.max_bytes = options.max_memory},
                            options.reasoning_format);
}

void wait_for(const CancelToken& stop) {
  // A signal handler can do no more than set the token.
  while (!stop.is_cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace pajamas
