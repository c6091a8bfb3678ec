// SPDX-License-Identifier: Apache-2.0
// The subcommands of llama-pajamas-quant, one file each. Every add_* function registers a command
// and its flags; the returned function runs it after parsing and gives the exit code's Status.
#pragma once

#include "../program.h"

namespace pajamas::cli {

Command add_convert(CLI::App& program);
Command add_estimate(CLI::App& program);
Command add_info(CLI::App& program);
Command add_list_methods(CLI::App& program);
Command add_validate(CLI::App& program);
Command add_verify(CLI::App& program);

}  // namespace pajamas::cli
