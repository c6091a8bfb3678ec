// SPDX-License-Identifier: Apache-2.0
// llama-pajamas-run: generate text with quantized models on the CPU.
#include <array>

#include "commands.h"
#include "runtime/artifact.h"

namespace {

namespace cli = pajamas::cli;

constexpr auto kCommands =
    std::to_array({&cli::add_generate, &cli::add_chat, &cli::add_embed, &cli::add_benchmark,
                   &cli::add_serve, &cli::add_run_info});

}  // namespace

int main(int argc, char** argv) {
  return cli::run_program(
      {.name = "llama-pajamas-run",
       .description = "Generate text with a model on this machine: a GGUF file, a Hugging Face "
                      "folder, or a folder that llama-pajamas-quant made.\n",
       .version = std::string(pajamas::kRuntimeVersion),
       .footer = "Example:\n  llama-pajamas-run chat ./out/gguf/llama-3.2-1b-q4_k_m.gguf\n\n"
                 "Each command has its own --help.",
       .commands = kCommands},
      argc, argv);
}
