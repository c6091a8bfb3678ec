// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "base/file.h"
#include "commands.h"
#include "generation_flags.h"

namespace pajamas::cli {
namespace {

constexpr std::uint64_t kMaxPromptBytes = std::uint64_t{64} << 20;

struct GenerateFlags : GenerationFlags {
  std::string prompt;
  std::string prompt_file;
  bool no_special = false;
  bool no_echo = false;
};

constexpr auto kGenerateFlags = std::to_array<Flag<GenerateFlags>>({
    {"-p,--prompt", &GenerateFlags::prompt, "TEXT",
     "text to go on from (default: what standard input gives)"},
    {"-f,--file", &GenerateFlags::prompt_file, "FILE", "a file with the text"},
    {"--no-special", &GenerateFlags::no_special, "",
     "add no beginning-of-text token, read no special tokens in the prompt"},
    {"--no-echo", &GenerateFlags::no_echo, "", "print only what is generated"},
});

Result<std::string> read_prompt(const GenerateFlags& flags) {
  if (!flags.prompt.empty() && !flags.prompt_file.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "--prompt and --file exclude each other");
  }
  if (!flags.prompt.empty()) return flags.prompt;
  if (!flags.prompt_file.empty()) return read_text_file(flags.prompt_file, kMaxPromptBytes);
  if (::isatty(STDIN_FILENO) == 1) {
    return make_error(ErrorCode::kInvalidArgument,
                      "there is no prompt; pass --prompt TEXT or --file FILE, pipe text in, or use "
                      "`chat` to talk with the model");
  }
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Status run_generate(const GenerateFlags& flags, const CancelToken& cancel) {
  const GenerationOptions options = PJ_TRY(to_generation_options(flags));
  const std::string prompt = PJ_TRY(read_prompt(flags));
  const auto engine = PJ_TRY(open_engine(flags, cancel));
  const ModelText text = PJ_TRY(ModelText::open(engine->model()));
  const std::vector<std::int32_t> ids = PJ_TRY(text.tokenizer().encode(
      prompt, {.add_special = !flags.no_special, .parse_special = !flags.no_special}));

  std::string generated;
  const auto show = [&](std::string_view piece) {
    if (flags.json) {
      generated += piece;
    } else {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    }
  };
  if (!flags.no_echo && !flags.json) show(prompt);
  Sequence sequence = engine->new_sequence();
  TextGenerator generator(*engine, text);
  const GenerationResult result = PJ_TRY(generator.run(sequence, ids, options, show, cancel));
  if (flags.json) {
    Json json = result_to_json(result);
    json["text"] = generated;
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("\n");
    std::fflush(stdout);
    if (!flags.quiet) print_statistics(result);
  }
  if (result.finish == FinishReason::kCancelled) {
    return make_error(ErrorCode::kCancelled, "interrupted");
  }
  return {};
}

}  // namespace

Command add_generate(CLI::App& program) {
  CLI::App* app = add_command(program, "generate", "Go on from a text");
  auto flags = std::make_shared<GenerateFlags>();
  add_flags<ModelFlags>(*app, *flags, kModelFlags);
  add_flags<GenerateFlags>(*app, *flags, kGenerateFlags);
  add_flags<GenerationFlags>(*app, *flags, kGenerationFlags);
  return {app, [flags](const CancelToken& cancel) { return run_generate(*flags, cancel); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
