// SPDX-License-Identifier: Apache-2.0
// serve_driver MODEL [--parallel N] [--context N] [--api-key KEY] [--queue N]: serves a model on a
// free port, prints "listening on http://localhost:PORT", and stops at SIGINT or SIGTERM.
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "serve/run_server.h"

namespace {

pajamas::CancelToken stop;

class PrintedProgress final : public pajamas::Progress {
 public:
  void update(const pajamas::ProgressUpdate&) override {}
  void warn(std::string_view message) override {
    std::printf("%.*s\n", static_cast<int>(message.size()), message.data());
    std::fflush(stdout);
  }
};

}  // namespace

int main(int argc, char** argv) {
  pajamas::ServeOptions options{.http = {.port = 0}};
  std::vector<std::string> models;
  std::string key;
  CLI::App app("serves a model on a free port");
  app.add_option("models", models)->required();
  app.add_option("--port", options.http.port);
  app.add_option("--parallel", options.scheduler.parallel);
  app.add_option("--queue", options.scheduler.max_waiting);
  app.add_option("--context", options.engine.context);
  app.add_option("--threads", options.engine.threads);
  app.add_option("--api-key", key);
  CLI11_PARSE(app, argc, argv);
  options.models.assign(models.begin(), models.end());
  if (!key.empty()) options.http.access.tokens.push_back(key);

  std::signal(SIGINT, [](int) { stop.cancel(); });
  std::signal(SIGTERM, [](int) { stop.cancel(); });
  PrintedProgress progress;
  const pajamas::Status status = pajamas::run_server(options, stop, progress);
  if (status) return 0;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return static_cast<int>(status.error().code);
}
