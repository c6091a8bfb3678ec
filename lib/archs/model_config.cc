// SPDX-License-Identifier: Apache-2.0
#include "archs/model_config.h"

#include <algorithm>
#include <array>

#include "archs/arch_registry.h"
#include "archs/config_view.h"
#include "archs/rope_config.h"

namespace pajamas {
namespace {

// Upper limits: what GGUF readers accept where they have a limit (512 layers, 512 experts), and
// otherwise far above any model, so that products stay inside 64 bits.
constexpr std::int64_t kMaxLayers = 512;
constexpr std::int64_t kMaxExperts = 512;
constexpr std::int64_t kMaxHeads = 1 << 14;
constexpr std::int64_t kMaxWidth = 1 << 22;

std::span<const std::string_view> accepted_names(Activation activation) {
  static constexpr auto kSilu = std::to_array<std::string_view>({"silu", "swish"});
  // Gemma's early configs say "gelu" for what its code computes with the tanh form.
  static constexpr auto kGelu =
      std::to_array<std::string_view>({"gelu_pytorch_tanh", "gelu", "gelu_new"});
  if (activation == Activation::kSilu) return kSilu;
  return kGelu;
}

Status check_activation(const ConfigView& config, const ArchSpec& arch) {
  auto name = PJ_TRY(config.text("hidden_activation"));
  if (!name) name = PJ_TRY(config.text("hidden_act"));
  if (!name) return {};
  const auto accepted = accepted_names(arch.ffn.activation);
  if (std::ranges::find(accepted, *name) != accepted.end()) return {};
  return make_error(ErrorCode::kUnsupported,
                    "config.json: 'hidden_act' is '{}', but {} models run with '{}'",
                    name->substr(0, 40), arch.name, accepted.front());
}

Status check_assumptions(const ConfigView& config, const ArchSpec& arch) {
  PJ_TRY(check_activation(config, arch));
  for (const ConfigCheck& check : arch.checks) {
    const Json* value = config.find(check.config);
    if (value == nullptr) continue;
    const auto found = value->is_array()
                           ? static_cast<std::int64_t>(value->size())
                           : PJ_TRY(config.required_count(check.config, INT64_MIN, INT64_MAX, 0));
    if (found == check.expected) continue;
    return make_error(
        ErrorCode::kUnsupported, "config.json: '{}' is {}, expected {}{}: {}", check.config,
        value->is_array() ? fmt::format("{} entries", found) : fmt::format("{}", found),
        check.expected, value->is_array() ? " entries" : "", check.reason);
  }
  return {};
}

// Weights that another tool has quantized are not the model's weights any more, except FP8, which
// sources present dequantized.
Status check_source_quantization(const ConfigView& config) {
  const Json* quantization = config.find("quantization_config");
  if (quantization == nullptr) quantization = config.find("quantization");
  if (quantization == nullptr) return {};
  const auto method = PJ_TRY(get_string(*quantization, "quant_method"));
  if (method && *method == "fp8") return {};
  return make_error(ErrorCode::kUnsupported,
                    "config.json: the weights are quantized already ({}); expected F32, F16, BF16 "
                    "or FP8 weights, so start from the original model",
                    method ? method->substr(0, 40) : std::string("unnamed method"));
}

Status parse_attention(const ConfigView& config, ModelConfig& model) {
  const ConfigDefaults& defaults = model.arch->defaults;
  model.heads = PJ_TRY(config.required_count("num_attention_heads", 1, kMaxHeads, defaults.heads));
  model.kv_heads =
      PJ_TRY(config.required_count("num_key_value_heads", 1, kMaxHeads,
                                   defaults.kv_heads > 0 ? defaults.kv_heads : model.heads));
  if (model.heads % model.kv_heads != 0) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: 'num_attention_heads' is {}, expected a multiple of "
                      "'num_key_value_heads', which is {}",
                      model.heads, model.kv_heads);
  }
  const auto head_dim = PJ_TRY(config.count("head_dim", 1, kMaxWidth));
  model.head_dim_in_config = head_dim.has_value();
  if (head_dim) {
    model.head_dim = *head_dim;
  } else if (defaults.head_dim > 0) {
    model.head_dim = defaults.head_dim;
    model.head_dim_in_config = true;
  } else if (model.hidden % model.heads == 0) {
    model.head_dim = model.hidden / model.heads;
  } else {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: 'hidden_size' is {}, expected a multiple of "
                      "'num_attention_heads', which is {}",
                      model.hidden, model.heads);
  }
  if (model.head_dim % 2 != 0) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json: heads are {} wide, expected an even number", model.head_dim);
  }
  if (model.arch->keys.head_dim == HeadDimKeys::kNever &&
      model.head_dim * model.heads != model.hidden) {
    return make_error(ErrorCode::kUnsupported,
                      "config.json: {} heads of {} do not make up 'hidden_size' {}, which GGUF "
                      "readers of {} expect",
                      model.heads, model.head_dim, model.hidden, model.arch->gguf_name);
  }
  return {};
}

Status parse_experts(const ConfigView& config, ModelConfig& model) {
  const MoeSpec& moe = model.arch->moe;
  if (!moe.enabled) return {};
  const bool local = config.find("num_local_experts") != nullptr;
  model.experts =
      PJ_TRY(config.required_count(local ? "num_local_experts" : "num_experts", 1, kMaxExperts, 0));
  model.experts_used = PJ_TRY(config.required_count("num_experts_per_tok", 1, model.experts, 0));
  model.expert_ffn = PJ_TRY(config.required_count(moe.expert_ffn_key, 1, kMaxWidth, 0));
  if (moe.shared_expert) {
    model.shared_ffn = PJ_TRY(config.required_count(moe.shared_ffn_key, 1, kMaxWidth, 0));
  }
  return {};
}

Status parse_extra_keys(const ConfigView& config, ModelConfig& model) {
  for (const KeyRule& rule : model.arch->keys.extra) {
    std::optional<double> value;
    if (rule.type == KeyRule::Type::kCount) {
      const auto count = PJ_TRY(config.count(rule.config, 0, UINT32_MAX));
      if (count) value = static_cast<double>(*count);
    } else {
      value = PJ_TRY(config.number(rule.config));
    }
    if (!value) value = rule.default_value;
    if (!rule.unless_key.empty()) {
      const auto other = PJ_TRY(config.count(rule.unless_key, INT64_MIN, INT64_MAX));
      if (other && *other == rule.unless_value) value.reset();
    }
    model.extra.push_back(value);
  }
  return {};
}

}  // namespace

Result<ModelConfig> parse_model_config(const Json& json) {
  ModelConfig model;
  model.arch = PJ_TRY(find_arch_of_config(json));
  const Json* text = model.arch->inside_multimodal ? find_member(json, "text_config") : nullptr;
  if (text != nullptr && !text->is_object()) {
    return make_error(ErrorCode::kInvalidData, "config.json: 'text_config' is not an object");
  }
  model.inside_multimodal = text != nullptr;
  const ConfigView config(json, text);
  PJ_TRY(check_source_quantization(config));
  PJ_TRY(check_assumptions(config, *model.arch));

  const ConfigDefaults& defaults = model.arch->defaults;
  model.layers = PJ_TRY(config.required_count("num_hidden_layers", 1, kMaxLayers, 0));
  model.hidden = PJ_TRY(config.required_count("hidden_size", 1, kMaxWidth, 0));
  model.ffn = PJ_TRY(config.required_count("intermediate_size", 1, kMaxWidth, 0));
  model.context_length = PJ_TRY(
      config.required_count("max_position_embeddings", 1, kMaxContext, defaults.context_length));
  model.vocab = PJ_TRY(config.count("vocab_size", 1, kMaxVocab)).value_or(0);
  PJ_TRY(parse_attention(config, model));
  PJ_TRY(parse_experts(config, model));
  model.rms_norm_eps = PJ_TRY(config.positive("rms_norm_eps")).value_or(defaults.rms_norm_eps);
  model.tied = PJ_TRY(config.flag("tie_word_embeddings"));
  model.rope = PJ_TRY(parse_rope_config(config, model));
  PJ_TRY(parse_extra_keys(config, model));
  return model;
}

}  // namespace pajamas
