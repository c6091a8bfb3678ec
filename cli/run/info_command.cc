// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include <fmt/format.h>

#include "../flags.h"
#include "../info_printer.h"
#include "base/memory_pages.h"
#include "commands.h"
#include "models/model_description.h"
#include "runtime/artifact.h"
#include "runtime/hyper_parameters.h"

namespace pajamas::cli {
namespace {

struct RunInfoFlags {
  std::string model;
  std::string gguf_type;
  bool json = false;
};

constexpr auto kRunInfoFlags = std::to_array<Flag<RunInfoFlags>>({
    {"model", &RunInfoFlags::model, "MODEL",
     "a .gguf file, a Hugging Face folder, or a folder that llama-pajamas-quant made", true},
    {"--gguf-type", &RunInfoFlags::gguf_type, "TYPE", "which file of an artifact folder"},
    {"--json", &RunInfoFlags::json, "", "print as JSON"},
});

Status run_info(const RunInfoFlags& flags) {
  const ArtifactChoice choice =
      PJ_TRY(choose_artifact(flags.model, flags.gguf_type, available_memory_bytes()));
  const OpenedModel model = PJ_TRY(open_model_path(choice.path));
  Json info = describe_opened_model(model);
  const auto parameters = read_hyper_parameters(model);
  info["runs_here"] = parameters.has_value();
  if (!parameters) info["warnings"].push_back(parameters.error().message);
  if (flags.json) {
    fmt::print("{}\n", info.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_info(info);
  }
  return {};
}

}  // namespace

Command add_run_info(CLI::App& program) {
  CLI::App* app =
      add_command(program, "info", "What a model is, and whether this program can run it");
  auto flags = std::make_shared<RunInfoFlags>();
  add_flags<RunInfoFlags>(*app, *flags, kRunInfoFlags);
  return {app, [flags](const CancelToken&) { return run_info(*flags); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
