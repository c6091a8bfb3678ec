// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <csignal>
#include <cstdio>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json.h"
#include "kernels/kernel_table.h"

namespace pajamas::cli {
namespace {

CancelToken g_cancel;

void on_interrupt(int signal) {
  g_cancel.cancel();
  std::signal(signal, SIG_DFL);  // the second Ctrl-C ends the program at once
}

int report_error(const Error& error, bool as_json) {
  if (as_json) {
    const Json body = {
        {"error", {{"code", error_code_name(error.code)}, {"message", error.message}}}};
    fmt::print("{}\n", body.dump(2, ' ', false, Json::error_handler_t::replace));
  }
  fmt::print(stderr, "error: {}\n", error.message);
  return static_cast<int>(error.code);
}

}  // namespace

CLI::App* add_command(CLI::App& program, const char* name, const char* help) {
  return program.add_subcommand(name, help);
}

int run_program(const ProgramSpec& spec, int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App program(spec.description, spec.name);
  program.set_version_flag("--version", spec.version);
  program.require_subcommand(1);
  program.footer(spec.footer);
  std::vector<Command> commands;
  for (const auto add : spec.commands) commands.push_back(add(program));
  if (argc > 1) {
    for (const AbsentCommand& absent : spec.absent) {
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
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const auto kernels = select_kernels();
    const Status status = kernels ? command.run(g_cancel) : std::unexpected(kernels.error());
    return status ? 0 : report_error(status.error(), command.wants_json());
  }
  return 0;
}

}  // namespace pajamas::cli
