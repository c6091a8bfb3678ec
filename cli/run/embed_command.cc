// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <cmath>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "base/file.h"
#include "commands.h"
#include "generation/model_text.h"
#include "model_flags.h"
#include "runtime/embedding.h"

namespace pajamas::cli {
namespace {

constexpr std::uint64_t kMaxTextBytes = std::uint64_t{64} << 20;

struct EmbedFlags : ModelFlags {
  std::vector<std::string> text;
  std::string file;
  std::string pooling = "mean";
  bool no_normalize = false;
};

constexpr auto kEmbedFlags = std::to_array<Flag<EmbedFlags>>({
    {"-p,--text", &EmbedFlags::text, "TEXT",
     "a text to embed; repeatable (default: each line of standard input)"},
    {"-f,--file", &EmbedFlags::file, "FILE", "a file; each line is a text"},
    {"--pooling", &EmbedFlags::pooling, "NAME",
     "mean of all tokens, cls (the first) or last (the last)"},
    {"--no-normalize", &EmbedFlags::no_normalize, "", "leave the vectors at their length"},
});

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const auto line = text.substr(0, end); !line.empty()) lines.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

Result<std::vector<std::string>> read_texts(const EmbedFlags& flags) {
  if (!flags.text.empty()) return flags.text;
  if (!flags.file.empty()) return lines_of(PJ_TRY(read_text_file(flags.file, kMaxTextBytes)));
  if (::isatty(STDIN_FILENO) == 1) {
    return make_error(
        ErrorCode::kInvalidArgument,
        "there is nothing to embed; pass --text TEXT or --file FILE, or pipe lines in");
  }
  return lines_of(std::string(std::istreambuf_iterator<char>(std::cin), {}));
}

Status run_embed(const EmbedFlags& flags, const CancelToken& cancel) {
  const Pooling pooling = PJ_TRY(parse_pooling(flags.pooling));
  const std::vector<std::string> texts = PJ_TRY(read_texts(flags));
  const auto engine = PJ_TRY(open_engine(flags, cancel));
  const ModelText text = PJ_TRY(ModelText::open(engine->model()));
  const EmbedOptions options{.pooling = pooling, .normalize = !flags.no_normalize};
  Json all = Json::array();
  for (const std::string& input : texts) {
    const std::vector<std::int32_t> ids = PJ_TRY(text.tokenizer().encode(input));
    const std::vector<float> vector = PJ_TRY(embed_tokens(*engine, ids, options, cancel));
    if (flags.json) {
      all.push_back({{"text", input}, {"tokens", ids.size()}, {"embedding", vector}});
    } else {
      fmt::print("{}\n", Json(vector).dump());
    }
  }
  if (flags.json) {
    fmt::print("{}\n", Json{{"pooling", flags.pooling}, {"embeddings", std::move(all)}}.dump(
                           2, ' ', false, Json::error_handler_t::replace));
  }
  return {};
}

}  // namespace

Command add_embed(CLI::App& program) {
  CLI::App* app = add_command(program, "embed", "Texts as vectors, one JSON list a line");
  auto flags = std::make_shared<EmbedFlags>();
  add_flags<ModelFlags>(*app, *flags, kModelFlags);
  add_flags<EmbedFlags>(*app, *flags, kEmbedFlags);
  return {app, [flags](const CancelToken& cancel) { return run_embed(*flags, cancel); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
