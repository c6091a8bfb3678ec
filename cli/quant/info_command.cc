// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include <fmt/format.h>

#include "../flags.h"
#include "../info_printer.h"
#include "../progress_printer.h"
#include "base/human_units.h"
#include "commands.h"
#include "pipeline/model_info.h"

namespace pajamas::cli {
namespace {

struct InfoFlags {
  std::string model;
  std::string revision = "main";
  bool json = false;
};

constexpr auto kInfoFlags = std::to_array<Flag<InfoFlags>>({
    {"model", &InfoFlags::model, "MODEL",
     "a model folder, a .gguf file, or a repo id in the local Hugging Face cache", true},
    {"--revision", &InfoFlags::revision, "REV", "branch, tag or commit of a repo id"},
    {"--json", &InfoFlags::json, "", "print as JSON"},
});

struct VerifyFlags {
  std::string folder;
  bool json = false;
};

constexpr auto kVerifyFlags = std::to_array<Flag<VerifyFlags>>({
    {"folder", &VerifyFlags::folder, "DIR", "an artifact folder with manifest.json", true},
    {"--json", &VerifyFlags::json, "", "print as JSON"},
});

Status run_verify(const VerifyFlags& flags, const CancelToken& cancel) {
  ProgressPrinter progress(flags.json ? Verbosity::kQuiet : Verbosity::kNormal);
  const std::vector<VerifiedFile> files = PJ_TRY(verify_artifacts(flags.folder, cancel, progress));
  Json list = Json::array();
  for (const VerifiedFile& file : files) {
    list.push_back({{"path", file.path}, {"size_bytes", file.bytes}, {"ok", true}});
    if (!flags.json) fmt::print("ok  {:>12}  {}\n", format_bytes(file.bytes), file.path);
  }
  if (flags.json) fmt::print("{}\n", Json{{"files", std::move(list)}}.dump(2));
  return {};
}

}  // namespace

Command add_info(CLI::App& program) {
  CLI::App* app = add_command(program, "info", "What a model is: sizes, types, tokenizer");
  auto flags = std::make_shared<InfoFlags>();
  add_flags<InfoFlags>(*app, *flags, kInfoFlags);
  const auto run = [flags](const CancelToken&) -> Status {
    const Json info = PJ_TRY(describe_model(flags->model, {.revision = flags->revision}));
    if (flags->json) {
      fmt::print("{}\n", info.dump(2, ' ', false, Json::error_handler_t::replace));
    } else {
      print_info(info);
    }
    return {};
  };
  return {app, run, [flags] { return flags->json; }};
}

Command add_verify(CLI::App& program) {
  CLI::App* app =
      add_command(program, "verify", "Check the files of an artifact folder against its manifest");
  auto flags = std::make_shared<VerifyFlags>();
  add_flags<VerifyFlags>(*app, *flags, kVerifyFlags);
  return {app, [flags](const CancelToken& cancel) { return run_verify(*flags, cancel); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
