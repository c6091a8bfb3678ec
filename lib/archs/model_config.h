// SPDX-License-Identifier: Apache-2.0
// config.json as checked numbers: every size a positive integer within limits, every key of the
// right type, defaults filled in from the family. What passes here can be multiplied and allocated
// without further thought.
//
// Plain values; errors name the key, what was found and what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archs/arch_spec.h"
#include "base/error.h"
#include "base/json.h"

namespace pajamas {

// Tokens a model may have: far above any, and within the 32 bits of a GGUF key.
inline constexpr std::int64_t kMaxVocab = 1 << 26;
// Most tokens that a configuration may name as its context.
inline constexpr std::int64_t kMaxContext = std::int64_t{1} << 31;

enum class RopeScaling : std::uint8_t { kNone, kLinear, kYarn, kLongRope, kLlama3 };

struct RopeConfig {
  double theta = 10000.0;
  std::optional<double> local_theta;  // of layers with a sliding window, when it differs
  double partial_factor = 1.0;        // share of a head that is rotated
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  std::int64_t original_context_length = 0;
  double low_freq_factor = 1.0;   // llama3
  double high_freq_factor = 4.0;  // llama3
  // yarn; absent ones are left to the reader
  std::optional<double> extrapolation_factor;
  std::optional<double> attention_factor;
  std::optional<double> beta_fast;
  std::optional<double> beta_slow;
  std::vector<float> long_factors;  // longrope, one per rotated pair
  std::vector<float> short_factors;
};

struct ModelConfig {
  const ArchSpec* arch = nullptr;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t ffn = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  bool head_dim_in_config = false;
  std::int64_t vocab = 0;  // zero when config.json does not say
  std::int64_t context_length = 0;
  double rms_norm_eps = 0;
  std::int64_t experts = 0;  // zero: a dense model
  std::int64_t experts_used = 0;
  std::int64_t expert_ffn = 0;
  std::int64_t shared_ffn = 0;
  std::optional<bool> tied;
  bool inside_multimodal = false;  // this config has the text model in a part of its own
  RopeConfig rope;
  // Values of ArchSpec::keys.extra, in its order; nothing where the key is left out.
  std::vector<std::optional<double>> extra;
};

Result<ModelConfig> parse_model_config(const Json& config);

}  // namespace pajamas
