// SPDX-License-Identifier: Apache-2.0
#include "generation_flags.h"

#include <charconv>

#include <fmt/format.h>

#include "base/file.h"
#include "base/human_units.h"
#include "sampling/grammar/json_schema.h"

namespace pajamas::cli {
namespace {

constexpr std::uint64_t kMaxGrammarBytes = std::uint64_t{4} << 20;
constexpr JsonLimits kSchemaLimits{.max_bytes = kMaxGrammarBytes, .max_depth = 128};

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<LogitBias> parse_logit_bias(std::string_view entry) {
  const std::size_t equals = entry.find('=');
  const auto id = parse_number<std::int32_t>(entry.substr(0, equals));
  const auto bias = equals == std::string_view::npos
                        ? std::nullopt
                        : parse_number<float>(entry.substr(equals + 1));
  if (!id || !bias) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--logit-bias '{}' is not ID=BIAS, like 42=-1.5 or 42=-inf", entry);
  }
  return LogitBias{*id, *bias};
}

Result<std::shared_ptr<const Grammar>> read_grammar(const GenerationFlags& flags) {
  if (!flags.grammar_file.empty() && !flags.json_schema.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--grammar-file and --json-schema exclude each other");
  }
  if (!flags.grammar_file.empty()) {
    const std::string text = PJ_TRY(read_text_file(flags.grammar_file, kMaxGrammarBytes));
    auto grammar = Grammar::parse(text);
    if (!grammar) return std::unexpected(grammar.error().with_context(flags.grammar_file));
    return *grammar;
  }
  if (flags.json_schema.empty()) return nullptr;
  const bool is_inline = flags.json_schema.find('{') != std::string::npos;
  const Json schema = is_inline
                          ? PJ_TRY(parse_json(flags.json_schema, "--json-schema", kSchemaLimits))
                          : PJ_TRY(read_json_file(flags.json_schema, kSchemaLimits));
  const bool is_open = schema.is_object() && schema.empty();
  return PJ_TRY(Grammar::parse(is_open ? json_object_gbnf() : PJ_TRY(json_schema_to_gbnf(schema))));
}

// Shell words cannot hold a line feed easily: "\n" and "\t" in --stop mean the characters.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = text[at] == '\\' && at + 1 < text.size() ? text[at + 1] : '\0';
    if (next == 'n' || next == 't' || next == '\\') {
      result += next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
      ++at;
    } else {
      result += text[at];
    }
  }
  return result;
}

}  // namespace

Result<GenerationOptions> to_generation_options(const GenerationFlags& flags) {
  GenerationOptions options{.max_tokens = flags.max_tokens,
                            .grammar = PJ_TRY(read_grammar(flags)),
                            .shift_context = flags.context_shift,
                            .keep = flags.keep,
                            .ignore_end = flags.ignore_eos};
  if (flags.max_tokens < -1 || flags.keep < 0) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--max-tokens is {} and --keep {}, expected numbers from 0 on (or "
                      "--max-tokens -1)",
                      flags.max_tokens, flags.keep);
  }
  if (flags.mirostat != 0 && flags.mirostat != 2) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--mirostat {} is not known, expected 0 (off) or 2 (version 2)",
                      flags.mirostat);
  }
  SamplerOptions& sampling = options.sampling;
  sampling.temperature = static_cast<float>(flags.temperature);
  sampling.top_k = flags.top_k;
  sampling.top_p = static_cast<float>(flags.top_p);
  sampling.min_p = static_cast<float>(flags.min_p);
  sampling.typical_p = static_cast<float>(flags.typical_p);
  sampling.penalties = {.last_n = flags.penalty_last_n,
                        .repeat = static_cast<float>(flags.repeat_penalty),
                        .frequency = static_cast<float>(flags.frequency_penalty),
                        .presence = static_cast<float>(flags.presence_penalty)};
  sampling.dry.multiplier = static_cast<float>(flags.dry_multiplier);
  sampling.dry.base = static_cast<float>(flags.dry_base);
  sampling.dry.allowed_length = flags.dry_allowed_length;
  sampling.dry.last_n = flags.dry_last_n;
  sampling.xtc = {.probability = static_cast<float>(flags.xtc_probability),
                  .threshold = static_cast<float>(flags.xtc_threshold)};
  sampling.mirostat = {.enabled = flags.mirostat == 2,
                       .tau = static_cast<float>(flags.mirostat_tau),
                       .eta = static_cast<float>(flags.mirostat_eta)};
  for (const std::string& entry : flags.logit_bias) {
    sampling.logit_bias.push_back(PJ_TRY(parse_logit_bias(entry)));
  }
  if (!flags.seed.empty()) {
    sampling.seed = parse_number<std::uint64_t>(flags.seed);
    if (!sampling.seed) {
      return make_error(ErrorCode::kInvalidArgument,
                        "--seed '{}' is not a whole number from 0 to 18446744073709551615",
                        flags.seed);
    }
  }
  for (const std::string& stop : flags.stop) options.stop.push_back(unescape(stop));
  return options;
}

Json result_to_json(const GenerationResult& result) {
  return {{"finish_reason", finish_reason_name(result.finish)},
          {"seed", result.seed},
          {"prompt_tokens", result.prompt_tokens},
          {"cached_tokens", result.cached_tokens},
          {"generated_tokens", result.generated_tokens},
          {"prompt_seconds", result.prompt_seconds},
          {"generation_seconds", result.generation_seconds}};
}

void print_statistics(const GenerationResult& result) {
  const auto rate = [](std::int64_t tokens, double seconds) {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
  };
  const std::int64_t computed = result.prompt_tokens - result.cached_tokens;
  fmt::print(stderr, "[{} tokens in {}, {:.1f} tokens/s; prompt {} tokens in {}, {:.1f} tokens/s",
             result.generated_tokens, format_duration(result.generation_seconds),
             rate(result.generated_tokens, result.generation_seconds), computed,
             format_duration(result.prompt_seconds), rate(computed, result.prompt_seconds));
  if (result.cached_tokens > 0) fmt::print(stderr, ", {} from the cache", result.cached_tokens);
  if (result.finish == FinishReason::kContextFull) {
    fmt::print(stderr, "; the context is full: raise --context or pass --context-shift");
  }
  fmt::print(stderr, "; seed {}]\n", result.seed);
}

}  // namespace pajamas::cli
