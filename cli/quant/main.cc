// SPDX-License-Identifier: Apache-2.0
// llama-pajamas-quant: a Hugging Face model in, every format out.
#include <array>
#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "base/json.h"
#include "commands.h"
#include "kernels/kernel_table.h"
#include "pipeline/manifest.h"

namespace {

using pajamas::ErrorCode;
using pajamas::Status;

pajamas::CancelToken g_cancel;

void on_interrupt(int signal) {
  g_cancel.cancel();
  // The second Ctrl-C ends the program at once; the journal makes even that safe.
  std::signal(signal, SIG_DFL);
}

struct AbsentCommand {
  std::string_view name;
  const char* advice;
};

// Commands of the design that this version does not have, and what does the job until then.
constexpr auto kAbsent = std::to_array<AbsentCommand>({
    {"download", "fetch the model with `hf download ORG/NAME`, then give `convert` its repo id"},
    {"calibrate",
     "make an importance matrix with llama.cpp's llama-imatrix and pass it as "
     "--imatrix FILE"},
    {"validate", "measure the files with llama.cpp's llama-perplexity --kl-divergence"},
});

int report_error(const pajamas::Error& error, bool as_json) {
  if (as_json) {
    const pajamas::Json body = {
        {"error", {{"code", pajamas::error_code_name(error.code)}, {"message", error.message}}}};
    fmt::print("{}\n", body.dump(2, ' ', false, pajamas::Json::error_handler_t::replace));
  }
  fmt::print(stderr, "error: {}\n", error.message);
  return static_cast<int>(error.code);
}

int run(int argc, char** argv) {
  CLI::App program(
      "Quantize language models: a Hugging Face folder (or a GGUF file) in, GGUF files of every "
      "type out, in one pass.\n",
      "llama-pajamas-quant");
  program.set_version_flag("--version", std::string(pajamas::kPipelineVersion));
  program.require_subcommand(1);
  program.footer(
      "Example:\n  llama-pajamas-quant convert ./Llama-3.2-1B --output ./out --gguf-types "
      "Q4_K_M,Q8_0\n\nEach command has its own --help.");

  const std::array commands = {pajamas::cli::add_convert(program),
                               pajamas::cli::add_estimate(program), pajamas::cli::add_info(program),
                               pajamas::cli::add_verify(program),
                               pajamas::cli::add_list_methods(program)};
  if (argc > 1) {
    for (const AbsentCommand& absent : kAbsent) {
      if (absent.name != argv[1]) continue;
      return report_error({ErrorCode::kUnsupported, fmt::format("`{}` is not in this version; {}",
                                                                absent.name, absent.advice)},
                          false);
    }
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : static_cast<int>(ErrorCode::kInvalidArgument);
  }
  for (const pajamas::cli::Command& command : commands) {
    if (!command.app->parsed()) continue;
    const auto kernels = pajamas::select_kernels();
    const Status status = kernels ? command.run(g_cancel) : std::unexpected(kernels.error());
    return status ? 0 : report_error(status.error(), command.wants_json());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::signal(SIGPIPE, SIG_IGN);
  return run(argc, argv);
}
