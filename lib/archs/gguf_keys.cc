// SPDX-License-Identifier: Apache-2.0
#include "archs/gguf_keys.h"

#include <string>

#include "archs/rope_config.h"
#include "base/check.h"

namespace pajamas {
namespace {

// Sets keys under "{arch}.", counts as u32 and numbers as f32, the types readers insist on.
class ArchKeys {
 public:
  explicit ArchKeys(std::string_view gguf_name) : prefix_(std::string(gguf_name) + ".") {
    keys_.set("general.architecture", std::string(gguf_name));
  }

  void set_count(std::string_view key, std::int64_t value) {
    PJ_CHECK(value >= 0 && value <= INT64_C(0xffffffff));
    keys_.set(prefix_ + std::string(key), static_cast<std::uint32_t>(value));
  }
  void set_float(std::string_view key, double value) {
    keys_.set(prefix_ + std::string(key), static_cast<float>(value));
  }
  void set_float(std::string_view key, const std::optional<double>& value) {
    if (value) set_float(key, *value);
  }
  void set_text(std::string_view key, std::string_view value) {
    keys_.set(prefix_ + std::string(key), std::string(value));
  }
  Metadata take() { return std::move(keys_); }

 private:
  std::string prefix_;
  Metadata keys_;
};

void set_scaling(const RopeConfig& rope, ArchKeys& keys) {
  switch (rope.scaling) {
    case RopeScaling::kNone:
    case RopeScaling::kLlama3:  // a tensor says it
      return;
    case RopeScaling::kLinear:
      keys.set_text("rope.scaling.type", "linear");
      keys.set_float("rope.scaling.factor", rope.factor);
      return;
    case RopeScaling::kYarn:
      keys.set_text("rope.scaling.type", "yarn");
      keys.set_float("rope.scaling.factor", rope.factor);
      keys.set_count("rope.scaling.original_context_length", rope.original_context_length);
      keys.set_float("rope.scaling.yarn_ext_factor", rope.extrapolation_factor);
      keys.set_float("rope.scaling.yarn_attn_factor", rope.attention_factor);
      keys.set_float("rope.scaling.yarn_beta_fast", rope.beta_fast);
      keys.set_float("rope.scaling.yarn_beta_slow", rope.beta_slow);
      return;
    case RopeScaling::kLongRope:
      keys.set_text("rope.scaling.type", "longrope");
      return;
  }
}

void set_rope_keys(const ModelConfig& model, ArchKeys& keys) {
  const RopeConfig& rope = model.rope;
  switch (model.arch->keys.rope) {
    case RopeKeys::kStandard:
      set_scaling(rope, keys);
      keys.set_float("rope.freq_base", rope.theta);
      keys.set_float("rope.freq_base_swa", rope.local_theta);
      return;
    case RopeKeys::kOnlyUnusualBase:
      if (rope.theta != 10000.0) keys.set_float("rope.freq_base", rope.theta);
      return;
    case RopeKeys::kOriginalContext:
      keys.set_count("rope.scaling.original_context_length", rope.original_context_length);
      keys.set_float("rope.freq_base", rope.theta);
      if (!rope.long_factors.empty()) {
        keys.set_float("rope.scaling.attn_factor", long_context_attention_factor(model));
      }
      return;
  }
}

void set_expert_keys(const ModelConfig& model, ArchKeys& keys) {
  if (model.experts == 0) return;
  keys.set_count("expert_count", model.experts);
  keys.set_count("expert_used_count", model.experts_used);
}

void set_head_dim_keys(const ModelConfig& model, ArchKeys& keys) {
  const HeadDimKeys rule = model.arch->keys.head_dim;
  if (rule == HeadDimKeys::kNever) return;
  if (rule == HeadDimKeys::kIfInConfig && !model.head_dim_in_config) return;
  keys.set_count("attention.key_length", model.head_dim);
  keys.set_count("attention.value_length", model.head_dim);
}

}  // namespace

Metadata gguf_keys(const ModelConfig& model, std::int64_t vocab_rows) {
  const ArchSpec& arch = *model.arch;
  ArchKeys keys(arch.gguf_name);
  keys.set_count("block_count", model.layers);
  keys.set_count("context_length", model.context_length);
  keys.set_count("embedding_length", model.hidden);
  keys.set_count("feed_forward_length", model.ffn);
  keys.set_count("attention.head_count", model.heads);
  keys.set_count("attention.head_count_kv", model.kv_heads);
  set_rope_keys(model, keys);
  keys.set_float("attention.layer_norm_rms_epsilon", model.rms_norm_eps);
  set_expert_keys(model, keys);
  set_head_dim_keys(model, keys);
  if (arch.keys.vocab_size) keys.set_count("vocab_size", vocab_rows);
  if (arch.keys.rope_dimension_count) keys.set_count("rope.dimension_count", rotated_dims(model));
  for (std::size_t i = 0; i < arch.keys.extra.size(); ++i) {
    const KeyRule& rule = arch.keys.extra[i];
    if (!model.extra[i]) continue;
    if (rule.type == KeyRule::Type::kCount) {
      keys.set_count(rule.gguf, static_cast<std::int64_t>(*model.extra[i]));
    } else {
      keys.set_float(rule.gguf, *model.extra[i]);
    }
  }
  return keys.take();
}

}  // namespace pajamas
