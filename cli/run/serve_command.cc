// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "../progress_printer.h"
#include "base/file.h"
#include "base/heap.h"
#include "base/human_units.h"
#include "commands.h"
#include "http/access_policy.h"
#include "model_flags.h"
#include "serve/service.h"

namespace pajamas::cli {
namespace {

constexpr std::uint64_t kMaxSmallFileBytes = std::uint64_t{1} << 20;

struct ServeFlags : ModelFlags {
  std::vector<std::string> more_models;
  std::string alias;
  std::string host = "localhost";
  int port = 8080;
  int parallel = 4;
  int queue = 512;
  std::vector<std::string> api_keys;
  std::string api_key_file;
  bool insecure = false;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  std::string chat_template;
  std::string reasoning_format = "auto";
  int stop_grace = 30;
  bool no_log = false;
};

constexpr auto kServeFlags = std::to_array<Flag<ServeFlags>>({
    {"--model", &ServeFlags::more_models, "PATH",
     "a further model, or a folder of them; loaded when it is asked for; repeatable"},
    {"--alias", &ServeFlags::alias, "ID", "what the first model is called (default: its name)"},
    {"--host", &ServeFlags::host, "ADDRESS", "address to listen on"},
    {"-p,--port", &ServeFlags::port, "N", "port to listen on; 0: any free one"},
    {"-n,--parallel", &ServeFlags::parallel, "N", "texts that are generated at once"},
    {"--queue", &ServeFlags::queue, "N", "requests that may wait; more are answered with 429"},
    {"--api-key", &ServeFlags::api_keys, "KEY", "a token that clients must send; repeatable"},
    {"--api-key-file", &ServeFlags::api_key_file, "FILE", "tokens, one a line"},
    {"--insecure", &ServeFlags::insecure, "", "let other machines in without a token"},
    {"--allowed-host", &ServeFlags::allowed_hosts, "NAME",
     "a further name of this server in Host headers; repeatable"},
    {"--allowed-origin", &ServeFlags::allowed_origins, "ORIGIN",
     "a site whose pages may use the server, like https://chat.example; repeatable"},
    {"--chat-template", &ServeFlags::chat_template, "FILE", "instead of the model's own"},
    {"--reasoning-format", &ServeFlags::reasoning_format, "NAME",
     "thoughts of a model: auto or deepseek splits them from its answers, none leaves them in"},
    {"--stop-grace", &ServeFlags::stop_grace, "SECONDS",
     "how long running requests may go on when the server is stopped"},
    {"--no-log", &ServeFlags::no_log, "", "no line for each request"},
});

Status check_flags(const ServeFlags& flags) {
  struct Range {
    const char* name;
    int value;
    int least;
    int most;
  };
  const Range ranges[] = {
      {"--parallel", flags.parallel, 1, 256},
      {"--queue", flags.queue, 0, 65536},
      {"--stop-grace", flags.stop_grace, 0, 86400},
  };
  for (const Range& range : ranges) {
    if (range.value >= range.least && range.value <= range.most) continue;
    return make_error(ErrorCode::kInvalidArgument, "{} is {}, expected {} to {}", range.name,
                      range.value, range.least, range.most);
  }
  return {};
}

Result<http::ServerOptions> http_options(const ServeFlags& flags) {
  http::ServerOptions options{.host = flags.host,
                              .port = flags.port,
                              .insecure_without_token = flags.insecure,
                              .access = {.tokens = flags.api_keys,
                                         .allowed_hosts = flags.allowed_hosts,
                                         .allowed_origins = flags.allowed_origins},
                              .stop_grace = std::chrono::seconds(flags.stop_grace)};
  if (!flags.api_key_file.empty()) {
    const std::string text = PJ_TRY(read_text_file(flags.api_key_file, kMaxSmallFileBytes));
    const std::vector<std::string> tokens = http::parse_token_file(text);
    if (tokens.empty()) {
      return make_error(ErrorCode::kInvalidData, "{}: there is no token in it; expected one a line",
                        flags.api_key_file);
    }
    options.access.tokens.insert(options.access.tokens.end(), tokens.begin(), tokens.end());
  }
  if (!flags.no_log && !flags.quiet) {
    options.log = [](const http::AccessRecord& record) {
      fmt::print(stderr, "{}\n", http::format_access_record(record));
    };
  }
  return options;
}

Status run_serve(const ServeFlags& flags, const CancelToken& cancel) {
  PJ_TRY(check_flags(flags));
  keep_little_free_memory();
  ServeOptions options{.models = {flags.model},
                       .alias = flags.alias,
                       .http = PJ_TRY(http_options(flags)),
                       .engine = PJ_TRY(engine_options(flags)),
                       .scheduler = {.parallel = flags.parallel, .max_waiting = flags.queue}};
  options.models.insert(options.models.end(), flags.more_models.begin(), flags.more_models.end());
  const auto format = parse_reasoning_format(flags.reasoning_format);
  if (!format) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--reasoning-format '{}' is not known, expected auto, deepseek or none",
                      flags.reasoning_format);
  }
  options.reasoning_format = *format;
  if (!flags.max_memory.empty()) options.max_memory = PJ_TRY(parse_bytes(flags.max_memory));
  if (!flags.chat_template.empty()) {
    options.chat_template = PJ_TRY(read_text_file(flags.chat_template, kMaxSmallFileBytes));
  }
  ProgressPrinter progress(flags.quiet ? Verbosity::kQuiet : Verbosity::kNormal);
  const auto service = PJ_TRY(start_service(options, cancel, progress));
  // On standard output, for programs that start a server on any free port.
  fmt::print("listening on http://{}:{}\n", flags.host, service->port());
  std::fflush(stdout);
  wait_for(cancel);
  if (!flags.quiet) progress.warn("stopping; requests that run may finish");
  return {};
}

}  // namespace

Command add_serve(CLI::App& program) {
  CLI::App* app = add_command(program, "serve", "An OpenAI-compatible server, with a chat page");
  auto flags = std::make_shared<ServeFlags>();
  add_flags<ModelFlags>(*app, *flags, kModelFlags);
  add_flags<ServeFlags>(*app, *flags, kServeFlags);
  return {app, [flags](const CancelToken& cancel) { return run_serve(*flags, cancel); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
