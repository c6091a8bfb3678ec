// SPDX-License-Identifier: Apache-2.0
// llama-pajamas-quant: a Hugging Face model in, every format out.
#include <array>

#include "commands.h"
#include "pipeline/manifest.h"

namespace {

namespace cli = pajamas::cli;

constexpr auto kCommands =
    std::to_array({&cli::add_convert, &cli::add_validate, &cli::add_estimate, &cli::add_info,
                   &cli::add_verify, &cli::add_list_methods});

constexpr auto kAbsent = std::to_array<cli::AbsentCommand>({
    {"download", "fetch the model with `hf download ORG/NAME`, then give `convert` its repo id"},
    {"calibrate",
     "make an importance matrix with llama.cpp's llama-imatrix and pass it as "
     "--imatrix FILE"},
});

}  // namespace

int main(int argc, char** argv) {
  return cli::run_program(
      {.name = "llama-pajamas-quant",
       .description = "Quantize language models: a Hugging Face folder (or a GGUF file) in, GGUF "
                      "files of every type out, in one pass.\n",
       .version = std::string(pajamas::kPipelineVersion),
       .footer = "Example:\n  llama-pajamas-quant convert ./Llama-3.2-1B --output ./out "
                 "--gguf-types Q4_K_M,Q8_0\n\nEach command has its own --help.",
       .commands = kCommands,
       .absent = kAbsent},
      argc, argv);
}
