// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <span>

#include <fmt/format.h>

#include "base/process_stats.h"
#include "commands.h"
#include "model_flags.h"
#include "runtime/machine_limits.h"

namespace pajamas::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUpTokens = 32;
constexpr std::size_t kTokensPerReadPass = 8;

struct BenchmarkFlags : ModelFlags {
  int prompt_tokens = 512;
  int generated_tokens = 64;
  int depth = 0;
};

constexpr auto kBenchmarkFlags = std::to_array<Flag<BenchmarkFlags>>({
    {"--prompt-tokens", &BenchmarkFlags::prompt_tokens, "N", "length of the prompt (0: none)"},
    {"--generated-tokens", &BenchmarkFlags::generated_tokens, "N", "tokens to generate (0: none)"},
    {"--depth", &BenchmarkFlags::depth, "N", "tokens of context before generation begins"},
});

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Arbitrary ids: speed does not depend on them.
std::vector<std::int32_t> some_tokens(std::int64_t count, std::int64_t vocab) {
  std::vector<std::int32_t> tokens;
  for (std::int64_t index = 0; index < count; ++index) {
    tokens.push_back(static_cast<std::int32_t>((7919 * index + 11) % vocab));
  }
  return tokens;
}

Status check_counts(const BenchmarkFlags& flags) {
  if (std::min({flags.prompt_tokens, flags.generated_tokens, flags.depth}) >= 0) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    "--prompt-tokens, --generated-tokens and --depth cannot be negative");
}

Status measure_prompt(Engine& engine, const BenchmarkFlags& flags, const CancelToken& cancel,
                      Json& json) {
  const auto tokens = some_tokens(flags.prompt_tokens, engine.parameters().vocab);
  Sequence sequence = engine.new_sequence();
  const Clock::time_point start = Clock::now();
  PJ_TRY(engine.prefill(sequence, tokens, cancel));
  const double speed = static_cast<double>(tokens.size()) / seconds_since(start);
  json["prompt_tokens_per_second"] = speed;
  // Two operations per weight and token; the output head works for the last token alone.
  json["prompt_gops"] = 2e-9 * static_cast<double>(engine.cost_of_token().layer_params) * speed;
  json["int8_gops"] = 1e-9 * PJ_TRY(measure_int8_peak(engine.threads()));
  return {};
}

// The read loop runs between slices of the generation, because the bandwidth of a shared machine
// changes from second to second.
Status measure_generation(Engine& engine, const BenchmarkFlags& flags, const CancelToken& cancel,
                          Json& json) {
  Sequence sequence = engine.new_sequence();
  const std::int64_t vocab = engine.parameters().vocab;
  PJ_TRY(engine.prefill(sequence, some_tokens(std::max(flags.depth, 1), vocab), cancel));
  const auto tokens = some_tokens(flags.generated_tokens, vocab);
  ReadLoop read_loop = PJ_TRY(ReadLoop::create(engine.threads()));
  double seconds = 0;
  for (std::span<const std::int32_t> rest = tokens; !rest.empty();) {
    const auto slice = rest.first(std::min(rest.size(), kTokensPerReadPass));
    rest = rest.subspan(slice.size());
    const Clock::time_point start = Clock::now();
    for (const std::int32_t token : slice) {
      const std::array<NextToken, 1> step = {{{&sequence, token}}};
      PJ_TRY(engine.decode(step, cancel));
    }
    seconds += seconds_since(start);
    PJ_TRY(read_loop.pass());
  }
  const double speed = static_cast<double>(tokens.size()) / seconds;
  json["generated_tokens_per_second"] = speed;
  json["weights_gb_per_second"] =
      1e-9 * static_cast<double>(engine.cost_of_token().weight_bytes) * speed;
  json["read_gb_per_second"] = 1e-9 * read_loop.bytes_per_second();
  return {};
}

void print_result(const Json& json) {
  fmt::print("model                 {}\n", json["model"].get<std::string>());
  fmt::print("threads               {}\n", json["threads"].get<int>());
  fmt::print("load                  {:.2f} s\n", json["load_seconds"].get<double>());
  const auto share = [&](const char* part, const char* whole) {
    return 100.0 * json[part].get<double>() / json[whole].get<double>();
  };
  if (json.contains("prompt_tokens_per_second")) {
    fmt::print("prompt                {:.1f} tokens/s, {:.0f} GOPS",
               json["prompt_tokens_per_second"].get<double>(), json["prompt_gops"].get<double>());
    const double peak = json["int8_gops"].get<double>();
    if (peak > 0) {
      fmt::print(", {:.0f} % of the int8 peak ({:.0f})\n", share("prompt_gops", "int8_gops"), peak);
    } else {
      fmt::print(" (no AVX-512 VNNI here, whose peak it would be compared with)\n");
    }
  }
  if (json.contains("generated_tokens_per_second")) {
    fmt::print(
        "generation            {:.1f} tokens/s, {:.1f} GB/s, {:.0f} % of a plain read loop's "
        "({:.1f})\n",
        json["generated_tokens_per_second"].get<double>(),
        json["weights_gb_per_second"].get<double>(),
        share("weights_gb_per_second", "read_gb_per_second"),
        json["read_gb_per_second"].get<double>());
  }
}

Status run_benchmark(const BenchmarkFlags& given, const CancelToken& cancel) {
  BenchmarkFlags flags = given;
  PJ_TRY(check_counts(flags));
  const int needed =
      std::max({flags.prompt_tokens, flags.depth + flags.generated_tokens, kWarmUpTokens}) + 1;
  flags.context = std::max(flags.context, needed);
  const Clock::time_point start = Clock::now();
  const auto engine = PJ_TRY(open_engine(flags, cancel));
  Json json = {{"model", engine->model().name},
               {"threads", engine->threads()},
               {"backend", engine->backend()},
               {"prompt_tokens", flags.prompt_tokens},
               {"generated_tokens", flags.generated_tokens},
               {"depth", flags.depth},
               {"kv_type", flags.kv_type},
               {"load_seconds", seconds_since(start)}};
  {  // touches all weights and buffers once
    Sequence warm_up = engine->new_sequence();
    const int count = std::max(flags.prompt_tokens, kWarmUpTokens);
    PJ_TRY(engine->prefill(warm_up, some_tokens(count, engine->parameters().vocab), cancel));
  }
  if (flags.prompt_tokens > 0) PJ_TRY(measure_prompt(*engine, flags, cancel, json));
  if (flags.generated_tokens > 0) PJ_TRY(measure_generation(*engine, flags, cancel, json));
  json["weight_bytes"] = engine->weight_bytes();
  json["peak_rss_bytes"] = peak_rss_bytes();
  if (flags.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    print_result(json);
  }
  return {};
}

}  // namespace

Command add_benchmark(CLI::App& program) {
  CLI::App* app =
      add_command(program, "benchmark",
                  "Speed of prompts and generation, and how much of the machine's limits that is");
  auto flags = std::make_shared<BenchmarkFlags>();
  add_flags<ModelFlags>(*app, *flags, kModelFlags);
  add_flags<BenchmarkFlags>(*app, *flags, kBenchmarkFlags);
  return {app, [flags](const CancelToken& cancel) { return run_benchmark(*flags, cancel); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
