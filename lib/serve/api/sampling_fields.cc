// SPDX-License-Identifier: Apache-2.0
#include "serve/api/sampling_fields.h"

#include <charconv>
#include <limits>
#include <span>

namespace pajamas {
namespace {

constexpr std::size_t kMaxStops = 16;
constexpr std::size_t kMaxStopBytes = 256;
constexpr std::size_t kMaxBiases = 4096;
constexpr std::size_t kMaxBreakers = 64;
constexpr std::int64_t kMaxTokens = std::int64_t{1} << 31;
constexpr std::int64_t kMaxLookBack = 1 << 20;

struct NumberField {
  const char* name;
  double least;
  double most;
  float& target;
};

struct IntegerField {
  const char* name;
  std::int64_t least;
  std::int64_t most;
  std::int32_t& target;
};

ApiResult<std::int32_t> token_of_key(const std::string& key, const ServedModelInfo& info) {
  std::int32_t id = -1;
  const char* end = key.data() + key.size();
  const auto parsed = std::from_chars(key.data(), end, id);
  if (parsed.ec != std::errc{} || parsed.ptr != end || id < 0 || id >= info.vocab_size) {
    return bad_request("logit_bias", "'{}' in 'logit_bias' is no token id, expected 0 to {}", key,
                       info.vocab_size - 1);
  }
  return id;
}

// {"50256": -100}: -100 and 100 stand for never and always, as clients expect.
ApiResult<std::vector<LogitBias>> read_biases(const RequestFields& fields,
                                              const ServedModelInfo& info) {
  std::vector<LogitBias> biases;
  const Json* object = fields.find("logit_bias");
  if (object == nullptr) return biases;
  if (!object->is_object()) {
    return bad_request("logit_bias", "'logit_bias' is a {}, expected an object",
                       object->type_name());
  }
  if (object->size() > kMaxBiases) {
    return bad_request("logit_bias", "'logit_bias' has {} entries, at most {} are allowed",
                       object->size(), kMaxBiases);
  }
  const RequestFields members(*object, "logit_bias.");
  for (const auto& [key, value] : object->items()) {
    const std::int32_t id = PJ_TRY(token_of_key(key, info));
    const double bias = PJ_TRY(members.number(key, -100.0, 100.0)).value_or(0.0);
    const bool is_never = bias <= -100.0;
    biases.push_back(
        {id, is_never ? -std::numeric_limits<float>::infinity() : static_cast<float>(bias)});
  }
  return biases;
}

ApiResult<void> read_numbers(const RequestFields& fields, SamplerOptions& options) {
  const NumberField numbers[] = {
      {"temperature", 0.0, 100.0, options.temperature},
      {"top_p", 0.0, 1.0, options.top_p},
      {"min_p", 0.0, 1.0, options.min_p},
      {"typical_p", 0.0, 1.0, options.typical_p},
      {"repeat_penalty", 0.01, 100.0, options.penalties.repeat},
      {"frequency_penalty", -2.0, 2.0, options.penalties.frequency},
      {"presence_penalty", -2.0, 2.0, options.penalties.presence},
      {"dry_multiplier", 0.0, 100.0, options.dry.multiplier},
      {"dry_base", 1.0, 100.0, options.dry.base},
      {"xtc_probability", 0.0, 1.0, options.xtc.probability},
      {"xtc_threshold", 0.0, 1.0, options.xtc.threshold},
      {"mirostat_tau", 0.0, 100.0, options.mirostat.tau},
      {"mirostat_eta", 0.0, 100.0, options.mirostat.eta},
  };
  for (const NumberField& field : numbers) {
    if (auto value = PJ_TRY(fields.number(field.name, field.least, field.most))) {
      field.target = static_cast<float>(*value);
    }
  }
  const IntegerField integers[] = {
      {"top_k", 0, kMaxLookBack, options.top_k},
      {"min_keep", 0, kMaxLookBack, options.min_keep},
      {"repeat_last_n", -1, kMaxLookBack, options.penalties.last_n},
      {"dry_allowed_length", 0, kMaxLookBack, options.dry.allowed_length},
      {"dry_penalty_last_n", -1, kMaxLookBack, options.dry.last_n},
  };
  for (const IntegerField& field : integers) {
    if (auto value = PJ_TRY(fields.integer(field.name, field.least, field.most))) {
      field.target = static_cast<std::int32_t>(*value);
    }
  }
  return {};
}

}  // namespace

ApiResult<SamplingFields> read_sampling_fields(const RequestFields& fields,
                                               const ServedModelInfo& info) {
  SamplingFields result;
  // The API's own defaults: plain sampling, nothing cut off.
  result.options.temperature = 1.0F;
  result.options.top_k = 0;
  result.options.top_p = 1.0F;
  result.options.min_p = 0.0F;
  PJ_TRY(read_numbers(fields, result.options));
  const auto mirostat = PJ_TRY(fields.integer("mirostat", 0, 2));
  if (mirostat == 1) {
    return bad_request("mirostat", "'mirostat' is 1, expected 0 (off) or 2 (version 2)");
  }
  result.options.mirostat.enabled = mirostat == 2;
  auto breakers = PJ_TRY(fields.texts("dry_sequence_breakers", kMaxBreakers, kMaxStopBytes));
  if (!breakers.empty()) result.options.dry.sequence_breakers = std::move(breakers);
  result.options.logit_bias = PJ_TRY(read_biases(fields, info));

  constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();
  // Negative seeds are what some clients send for "any".
  const auto seed = PJ_TRY(fields.integer("seed", -kMaxSeed, kMaxSeed));
  if (seed && *seed != -1) result.options.seed = static_cast<std::uint64_t>(*seed);
  result.stop = PJ_TRY(fields.texts("stop", kMaxStops, kMaxStopBytes));
  auto max_tokens = PJ_TRY(fields.integer("max_completion_tokens", 1, kMaxTokens));
  if (!max_tokens) max_tokens = PJ_TRY(fields.integer("max_tokens", 1, kMaxTokens));
  result.max_tokens = max_tokens.value_or(0);
  result.choices = PJ_TRY(fields.integer("n", 1, kMaxChoices)).value_or(1);
  result.ignore_end = PJ_TRY(fields.boolean("ignore_eos")).value_or(false);
  return result;
}

}  // namespace pajamas
