// SPDX-License-Identifier: Apache-2.0
// The flags of commands that generate text: how tokens are chosen, when to stop, what is allowed.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "../flags.h"
#include "base/error.h"
#include "generation/text_generator.h"
#include "model_flags.h"

namespace pajamas::cli {

struct GenerationFlags : ModelFlags {
  int max_tokens = -1;
  double temperature = SamplerOptions{}.temperature;
  int top_k = SamplerOptions{}.top_k;
  double top_p = SamplerOptions{}.top_p;
  double min_p = SamplerOptions{}.min_p;
  double typical_p = SamplerOptions{}.typical_p;
  double repeat_penalty = PenaltyOptions{}.repeat;
  double presence_penalty = PenaltyOptions{}.presence;
  double frequency_penalty = PenaltyOptions{}.frequency;
  int penalty_last_n = PenaltyOptions{}.last_n;
  double dry_multiplier = DryOptions{}.multiplier;
  double dry_base = DryOptions{}.base;
  int dry_allowed_length = DryOptions{}.allowed_length;
  int dry_last_n = DryOptions{}.last_n;
  double xtc_probability = XtcOptions{}.probability;
  double xtc_threshold = XtcOptions{}.threshold;
  int mirostat = 0;
  double mirostat_tau = MirostatOptions{}.tau;
  double mirostat_eta = MirostatOptions{}.eta;
  std::vector<std::string> logit_bias;
  std::string seed;
  std::vector<std::string> stop;
  std::string grammar_file;
  std::string json_schema;
  bool context_shift = false;
  int keep = 0;
  bool ignore_eos = false;
};

inline constexpr auto kGenerationFlags = std::to_array<Flag<GenerationFlags>>({
    {"-n,--max-tokens", &GenerationFlags::max_tokens, "N",
     "tokens to generate at most (-1: until the model ends)"},
    {"--temperature,--temp", &GenerationFlags::temperature, "T", "0: always the likeliest token"},
    {"--top-k", &GenerationFlags::top_k, "K", "choose among the K likeliest tokens (0: off)"},
    {"--top-p", &GenerationFlags::top_p, "P",
     "choose among the likeliest that together have probability P (1: off)"},
    {"--min-p", &GenerationFlags::min_p, "P",
     "leave out what is less likely than P times the likeliest (0: off)"},
    {"--typical-p", &GenerationFlags::typical_p, "P", "locally typical sampling (1: off)"},
    {"--repeat-penalty", &GenerationFlags::repeat_penalty, "X", "of tokens seen lately (1: off)"},
    {"--presence-penalty", &GenerationFlags::presence_penalty, "X", "once per token seen (0: off)"},
    {"--frequency-penalty", &GenerationFlags::frequency_penalty, "X",
     "for each time a token was seen (0: off)"},
    {"--penalty-last-n", &GenerationFlags::penalty_last_n, "N",
     "tokens the penalties look back at (-1: all)"},
    {"--dry-multiplier", &GenerationFlags::dry_multiplier, "X", "penalty of repetitions (0: off)"},
    {"--dry-base", &GenerationFlags::dry_base, "X", "its growth with the length"},
    {"--dry-allowed-length", &GenerationFlags::dry_allowed_length, "N", "repetitions it lets pass"},
    {"--dry-last-n", &GenerationFlags::dry_last_n, "N", "tokens it looks back at (-1: all)"},
    {"--xtc-probability", &GenerationFlags::xtc_probability, "P",
     "how often the likeliest are left out (0: off)"},
    {"--xtc-threshold", &GenerationFlags::xtc_threshold, "P", "above which probability"},
    {"--mirostat", &GenerationFlags::mirostat, "V", "0: off, 2: version 2"},
    {"--mirostat-tau", &GenerationFlags::mirostat_tau, "X", "surprise to aim at, in bits"},
    {"--mirostat-eta", &GenerationFlags::mirostat_eta, "X", "its learning rate"},
    {"--logit-bias", &GenerationFlags::logit_bias, "ID=BIAS",
     "add BIAS to a token's logit (-inf: never); repeatable"},
    {"--seed", &GenerationFlags::seed, "N", "the same seed gives the same text (default: random)"},
    {"--stop", &GenerationFlags::stop, "TEXT", "end before this text; repeatable"},
    {"--grammar-file", &GenerationFlags::grammar_file, "FILE", "GBNF grammar the text must follow"},
    {"--json-schema", &GenerationFlags::json_schema, "FILE|JSON",
     "schema that the text, which is JSON, must satisfy; {} for any object"},
    {"--context-shift", &GenerationFlags::context_shift, "",
     "when the context is full, forget the oldest text and go on"},
    {"--keep", &GenerationFlags::keep, "N", "tokens at the beginning that are never forgotten"},
    {"--ignore-eos", &GenerationFlags::ignore_eos, "", "go on behind the end of the text"},
});

// Checked; reads the grammar or schema file.
Result<GenerationOptions> to_generation_options(const GenerationFlags& flags);

Json result_to_json(const GenerationResult& result);
// "12 tokens in 0.4 s (30.1 tokens/s), prompt 5 tokens in 0.1 s": to standard error.
void print_statistics(const GenerationResult& result);

}  // namespace pajamas::cli
