// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler_options.h"

#include <cmath>
#include <limits>

namespace pajamas {
namespace {

constexpr float kMaxFloat = std::numeric_limits<float>::max();
constexpr double kMaxInt = std::numeric_limits<std::int32_t>::max();
// More would only slow a request down.
constexpr std::size_t kMaxBreakers = 256;
constexpr std::size_t kMaxBreakerBytes = 256;
constexpr double kMaxTopLogprobs = 1024;

struct Range {
  const char* name;
  double value;
  double least;
  double most;
};

std::unexpected<Error> out_of_range(const Range& range) {
  if (range.most >= kMaxInt) {
    return make_error(ErrorCode::kInvalidArgument, "{} is {}, expected a number from {}",
                      range.name, range.value, range.least);
  }
  return make_error(ErrorCode::kInvalidArgument, "{} is {}, expected a number from {} to {}",
                    range.name, range.value, range.least, range.most);
}

Status check_ranges(const SamplerOptions& options) {
  const Range ranges[] = {
      {"temperature", options.temperature, 0, kMaxFloat},
      {"top_k", static_cast<double>(options.top_k), 0, kMaxInt},
      {"top_p", options.top_p, 0, 1},
      {"min_p", options.min_p, 0, 1},
      {"typical_p", options.typical_p, 0, 1},
      {"min_keep", static_cast<double>(options.min_keep), 0, kMaxInt},
      {"repeat_last_n", static_cast<double>(options.penalties.last_n), -1, kMaxInt},
      {"repeat_penalty", options.penalties.repeat, 0.01F, 100},
      {"frequency_penalty", options.penalties.frequency, -100, 100},
      {"presence_penalty", options.penalties.presence, -100, 100},
      {"dry_multiplier", options.dry.multiplier, 0, kMaxFloat},
      {"dry_base", options.dry.base, 0, kMaxFloat},
      {"dry_allowed_length", static_cast<double>(options.dry.allowed_length), 0, kMaxInt},
      {"dry_penalty_last_n", static_cast<double>(options.dry.last_n), -1, kMaxInt},
      {"xtc_probability", options.xtc.probability, 0, 1},
      {"xtc_threshold", options.xtc.threshold, 0, 1},
      {"mirostat_tau", options.mirostat.tau, 0, kMaxFloat},
      {"mirostat_eta", options.mirostat.eta, 0, 1},
      {"top_logprobs", static_cast<double>(options.top_logprobs.value_or(0)), 0, kMaxTopLogprobs},
  };
  for (const Range& range : ranges) {
    // Written so that NaN fails.
    const bool is_within = range.value >= range.least && range.value <= range.most;
    if (!is_within || !std::isfinite(range.value)) return out_of_range(range);
  }
  return {};
}

}  // namespace

Status check_sampler_options(const SamplerOptions& options, std::size_t vocabulary_size) {
  PJ_TRY(check_ranges(options));
  for (const LogitBias& bias : options.logit_bias) {
    if (bias.id < 0 || static_cast<std::size_t>(bias.id) >= vocabulary_size) {
      return make_error(ErrorCode::kInvalidArgument,
                        "logit_bias names token {}, expected 0 to {} (the vocabulary)", bias.id,
                        vocabulary_size - 1);
    }
    if (std::isnan(bias.bias) || bias.bias > kMaxFloat) {
      return make_error(ErrorCode::kInvalidArgument,
                        "logit_bias of token {} is {}, expected a finite number or -infinity",
                        bias.id, bias.bias);
    }
  }
  if (options.dry.sequence_breakers.size() > kMaxBreakers) {
    return make_error(ErrorCode::kInvalidArgument,
                      "dry_sequence_breakers has {} entries, expected at most {}",
                      options.dry.sequence_breakers.size(), kMaxBreakers);
  }
  for (const std::string& breaker : options.dry.sequence_breakers) {
    if (breaker.empty() || breaker.size() > kMaxBreakerBytes) {
      return make_error(ErrorCode::kInvalidArgument,
                        "dry_sequence_breakers has an entry of {} bytes, expected 1 to {}",
                        breaker.size(), kMaxBreakerBytes);
    }
  }
  return {};
}

}  // namespace pajamas
