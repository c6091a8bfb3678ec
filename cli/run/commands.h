// SPDX-License-Identifier: Apache-2.0
// The subcommands of llama-pajamas-run, one file each. Every add_* function registers a command and
// its flags; the returned function runs it after parsing and gives the exit code's Status.
#pragma once

#include "../program.h"

namespace pajamas::cli {

Command add_generate(CLI::App& program);
Command add_chat(CLI::App& program);
Command add_embed(CLI::App& program);
Command add_benchmark(CLI::App& program);
Command add_serve(CLI::App& program);
Command add_run_info(CLI::App& program);

}  // namespace pajamas::cli
