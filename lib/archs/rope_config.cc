// SPDX-License-Identifier: Apache-2.0
#include "archs/rope_config.h"

#include <cmath>
#include <numbers>

namespace pajamas {
namespace {

Result<RopeScaling> parse_scaling_type(const ConfigView& rope) {
  auto type = PJ_TRY(rope.text("rope_type"));
  if (!type) type = PJ_TRY(rope.text("type"));
  // "dynamic" changes the base while generating; readers of GGUF run without it.
  if (!type || *type == "default" || *type == "dynamic") return RopeScaling::kNone;
  if (*type == "linear") return RopeScaling::kLinear;
  if (*type == "yarn") return RopeScaling::kYarn;
  if (*type == "longrope" || *type == "su") return RopeScaling::kLongRope;
  if (*type == "llama3") return RopeScaling::kLlama3;
  return make_error(ErrorCode::kUnsupported,
                    "config.json: rope scaling '{}' is not supported, expected linear, yarn, "
                    "longrope, llama3 or dynamic",
                    type->substr(0, 40));
}

Result<std::vector<float>> parse_factors(const ConfigView& rope, std::string_view key,
                                         std::int64_t pairs) {
  const Json* list = rope.find(key);
  if (list == nullptr) return std::vector<float>{};
  if (!list->is_array() || static_cast<std::int64_t>(list->size()) != pairs) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: '{}' has {} values, expected {}, one per rotated pair", key,
                      list->is_array() ? list->size() : 0, pairs);
  }
  std::vector<float> factors;
  for (const Json& value : *list) {
    const float factor = value.is_number() ? value.get<float>() : 0.0F;
    if (!std::isfinite(factor) || factor <= 0) {
      return make_error(ErrorCode::kInvalidData,
                        "config.json: '{}' has a value that is not a positive number at index {}",
                        key, factors.size());
    }
    factors.push_back(factor);
  }
  return factors;
}

Status parse_scaling(const ConfigView& rope, const ConfigView& config, const ModelConfig& model,
                     RopeConfig& out) {
  out.scaling = PJ_TRY(parse_scaling_type(rope));
  const auto factor = PJ_TRY(rope.positive("factor"));
  if (!factor && (out.scaling == RopeScaling::kLinear || out.scaling == RopeScaling::kYarn)) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: rope scaling 'linear' or 'yarn' needs a 'factor'");
  }
  out.factor = factor.value_or(out.scaling == RopeScaling::kLlama3 ? 8.0 : 1.0);

  const std::string_view original_key = "original_max_position_embeddings";
  auto original = PJ_TRY(rope.count(original_key, 1, kMaxContext));
  if (!original) original = PJ_TRY(config.count(original_key, 1, kMaxContext));
  std::int64_t fallback = model.arch->defaults.original_context_length;
  if (fallback == 0) {
    fallback = out.scaling == RopeScaling::kLlama3 ? 8192 : model.context_length;
  }
  out.original_context_length = original.value_or(fallback);

  out.low_freq_factor = PJ_TRY(rope.positive("low_freq_factor")).value_or(1.0);
  out.high_freq_factor = PJ_TRY(rope.positive("high_freq_factor")).value_or(4.0);
  const bool in_order =
      static_cast<float>(out.low_freq_factor) < static_cast<float>(out.high_freq_factor);
  if (out.scaling == RopeScaling::kLlama3 && !in_order) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: 'high_freq_factor' is {}, expected more than "
                      "'low_freq_factor', which is {}",
                      out.high_freq_factor, out.low_freq_factor);
  }
  out.extrapolation_factor = PJ_TRY(rope.number("extrapolation_factor"));
  out.attention_factor = PJ_TRY(rope.positive("attention_factor"));
  if (!out.attention_factor) out.attention_factor = PJ_TRY(rope.positive("attn_factor"));
  out.beta_fast = PJ_TRY(rope.positive("beta_fast"));
  out.beta_slow = PJ_TRY(rope.positive("beta_slow"));
  return {};
}

bool is_expressible(const ArchSpec& arch, const RopeConfig& rope) {
  switch (arch.keys.rope) {
    case RopeKeys::kStandard:
      if (rope.scaling == RopeScaling::kLlama3) return arch.keys.rope_freqs_tensor;
      return rope.scaling != RopeScaling::kLongRope;
    case RopeKeys::kOnlyUnusualBase:
      return rope.scaling == RopeScaling::kNone;
    case RopeKeys::kOriginalContext:
      if (rope.scaling == RopeScaling::kNone) return true;
      return (rope.scaling == RopeScaling::kLongRope || rope.scaling == RopeScaling::kYarn) &&
             !rope.long_factors.empty();
  }
  return false;
}

// A scaling that readers of the family's GGUF files do not apply would change the model silently.
Status check_expressible(const ModelConfig& model, const RopeConfig& rope) {
  if (!is_expressible(*model.arch, rope)) {
    return make_error(ErrorCode::kUnsupported,
                      "config.json: GGUF readers of {} do not apply this model's rope scaling",
                      model.arch->gguf_name);
  }
  if (rope.partial_factor != 1.0 && model.arch->keys.rope != RopeKeys::kOriginalContext) {
    return make_error(ErrorCode::kUnsupported,
                      "config.json: 'partial_rotary_factor' is {}, but GGUF readers of {} rotate "
                      "whole heads",
                      rope.partial_factor, model.arch->gguf_name);
  }
  return {};
}

Status parse_long_factors(const ConfigView& rope, const ModelConfig& model, RopeConfig& out) {
  ModelConfig with_rope = model;
  with_rope.rope = out;
  const std::int64_t rotated = rotated_dims(with_rope);
  if (rotated < 2 || rotated % 2 != 0) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: 'partial_rotary_factor' {} rotates {} dimensions of a head, "
                      "expected an even number above 0",
                      out.partial_factor, rotated);
  }
  const std::int64_t pairs = rotated / 2;
  out.long_factors = PJ_TRY(parse_factors(rope, "long_factor", pairs));
  out.short_factors = PJ_TRY(parse_factors(rope, "short_factor", pairs));
  if (out.long_factors.empty() != out.short_factors.empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: rope scaling has only one of 'long_factor' and 'short_factor'");
  }
  return {};
}

Result<const Json*> find_object(const ConfigView& config, std::string_view key) {
  const Json* value = config.find(key);
  if (value != nullptr && !value->is_object()) {
    return make_error(ErrorCode::kInvalidData, "config.json: '{}' is not an object", key);
  }
  return value;
}

}  // namespace

Result<RopeConfig> parse_rope_config(const ConfigView& config, const ModelConfig& model) {
  const Json empty = Json::object();
  const Json* parameters = PJ_TRY(find_object(config, "rope_parameters"));
  if (parameters == nullptr) parameters = PJ_TRY(find_object(config, "rope_scaling"));
  if (parameters == nullptr) parameters = &empty;
  const ConfigView by_layer_kind(*parameters, nullptr);
  const Json* full = PJ_TRY(find_object(by_layer_kind, "full_attention"));
  const Json* sliding = PJ_TRY(find_object(by_layer_kind, "sliding_attention"));
  const ConfigView rope(full == nullptr ? *parameters : *full, nullptr);

  RopeConfig out;
  auto theta = PJ_TRY(rope.positive("rope_theta"));
  if (!theta) theta = PJ_TRY(config.positive("rope_theta"));
  out.theta = theta.value_or(model.arch->defaults.rope_theta);
  if (sliding != nullptr) {
    out.local_theta = PJ_TRY(ConfigView(*sliding, nullptr).positive("rope_theta"));
  } else {
    out.local_theta = PJ_TRY(config.positive("rope_local_base_freq"));
  }
  auto partial = PJ_TRY(rope.positive("partial_rotary_factor"));
  if (!partial) partial = PJ_TRY(config.positive("partial_rotary_factor"));
  out.partial_factor = partial.value_or(1.0);
  if (out.partial_factor > 1.0) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: 'partial_rotary_factor' is {}, expected at most 1",
                      out.partial_factor);
  }
  PJ_TRY(parse_scaling(rope, config, model, out));
  PJ_TRY(parse_long_factors(rope, model, out));
  PJ_TRY(check_expressible(model, out));
  return out;
}

std::int64_t rotated_dims(const ModelConfig& model) {
  // Rounded down over all heads first, as the writers of existing files do.
  const double width =
      model.rope.partial_factor * static_cast<double>(model.heads * model.head_dim);
  return static_cast<std::int64_t>(width) / model.heads;
}

std::vector<float> llama3_rope_factors(const ModelConfig& model) {
  const RopeConfig& rope = model.rope;
  const auto length = static_cast<float>(rope.original_context_length);
  const auto low = static_cast<float>(rope.low_freq_factor);
  const auto high = static_cast<float>(rope.high_freq_factor);
  const auto factor = static_cast<float>(rope.factor);
  const auto dims = static_cast<float>(model.head_dim);
  std::vector<float> factors;
  for (std::int64_t dim = 0; dim < model.head_dim; dim += 2) {
    const double exponent = static_cast<float>(dim) / dims;
    // Through double, so that the result does not depend on the C library's powf.
    const float frequency = 1.0F / static_cast<float>(std::pow(rope.theta, exponent));
    const float wavelength = 2.0F * std::numbers::pi_v<float> / frequency;
    if (wavelength < length / high) {
      factors.push_back(1.0F);
    } else if (wavelength > length / low) {
      factors.push_back(factor);
    } else {
      const float smooth = (length / wavelength - low) / (high - low);
      factors.push_back(1.0F / ((1.0F - smooth) / factor + smooth));
    }
  }
  return factors;
}

double long_context_attention_factor(const ModelConfig& model) {
  const auto original = static_cast<double>(model.rope.original_context_length);
  const double scale = static_cast<double>(model.context_length) / original;
  if (scale <= 1.0) return 1.0;
  if (model.rope.scaling == RopeScaling::kYarn) return 0.1 * std::log(scale) + 1.0;
  return std::sqrt(1.0 + std::log(scale) / std::log(original));
}

}  // namespace pajamas
