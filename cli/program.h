// SPDX-License-Identifier: Apache-2.0
// What the programs have in common: subcommands, errors and exit codes, the kernels' choice,
// Ctrl-C.
//
// A program's main() makes a ProgramSpec and returns run_program(). The exit code is that of the
// ErrorCode; with a command's --json an error stands on standard output as JSON, too.
//
// CLI11, which takes seconds to compile, is known to program.cc and flags.cc alone.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"

namespace CLI {
class App;
}

namespace pajamas::cli {

struct Command {
  CLI::App* app = nullptr;
  std::function<Status(const CancelToken& cancel)> run;
  std::function<bool()> wants_json;  // an error goes to standard output as JSON too
};

// A command of the design that this version does not have, and what does the job until then.
struct AbsentCommand {
  std::string_view name;
  std::string_view advice;
};

struct ProgramSpec {
  std::string name;
  std::string description;
  std::string version;
  std::string footer;
  std::span<Command (*const)(CLI::App& program)> commands;  // in the order of --help
  std::span<const AbsentCommand> absent = {};
};

// A subcommand of the program, with the line that --help shows for it.
CLI::App* add_command(CLI::App& program, const char* name, const char* help);

int run_program(const ProgramSpec& spec, int argc, char** argv);

}  // namespace pajamas::cli
