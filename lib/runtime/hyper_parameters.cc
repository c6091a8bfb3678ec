// SPDX-License-Identifier: Apache-2.0
#include "runtime/hyper_parameters.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/ranges.h>

#include "archs/arch_registry.h"
#include "base/check.h"
#include "runtime/gguf_numbers.h"

namespace pajamas {
namespace {

// Far above any model, and small enough that products of three of them fit 63 bits.
constexpr std::int64_t kMaxLayers = 4096;
constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr std::int64_t kMaxHeads = 4096;
constexpr std::int64_t kMaxHeadDim = 512;  // what the attention kernels take
constexpr std::int64_t kMaxExperts = 4096;
constexpr std::int64_t kMaxContext = std::int64_t{1} << 31;
constexpr std::int64_t kMaxVocab = 1 << 26;

// Of the families that share the GGUF name, the one that has experts when the file has them.
Result<const ArchSpec*> find_arch(const OpenedModel& model, std::string_view gguf_name) {
  const auto experts =
      PJ_TRY(GgufNumbers(model.gguf_keys, gguf_name).count("expert_count", 0, kMaxExperts));
  const bool has_experts = experts.value_or(0) > 0;
  std::vector<std::string_view> known;
  bool is_known = false;
  for (const ArchSpec* arch : all_archs()) {
    if (arch->gguf_name == gguf_name) {
      is_known = true;
      if (arch->moe.enabled == has_experts) return arch;
    }
    if (std::ranges::find(known, arch->gguf_name) == known.end()) known.push_back(arch->gguf_name);
  }
  if (is_known) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}': the architecture '{}' {} experts, but the key '{}.expert_count' is {}",
                      model.source.path, gguf_name, has_experts ? "has no" : "needs", gguf_name,
                      experts.value_or(0));
  }
  return make_error(ErrorCode::kUnsupported,
                    "'{}' is a model of the architecture '{}', which this program cannot run; it "
                    "runs {}",
                    model.source.path, gguf_name.substr(0, 64), fmt::join(known, ", "));
}

Status read_sizes(const GgufNumbers& keys, HyperParameters& p) {
  p.layers = PJ_TRY(keys.required_count("block_count", 1, kMaxLayers));
  p.hidden = PJ_TRY(keys.required_count("embedding_length", 1, kMaxWidth));
  p.context_length = PJ_TRY(keys.required_count("context_length", 1, kMaxContext));
  p.heads = PJ_TRY(keys.required_count("attention.head_count", 1, kMaxHeads));
  p.kv_heads = PJ_TRY(keys.count("attention.head_count_kv", 1, kMaxHeads)).value_or(p.heads);
  p.ffn =
      PJ_TRY(keys.required_count("feed_forward_length", p.arch->moe.enabled ? 0 : 1, kMaxWidth));
  if (p.heads % p.kv_heads != 0) {
    return make_error(
        ErrorCode::kInvalidData,
        "the model has {} attention heads and {} key-value heads, expected a multiple", p.heads,
        p.kv_heads);
  }
  auto head_dim = PJ_TRY(keys.count("attention.key_length", 1, kMaxHeadDim));
  if (!head_dim && (p.hidden % p.heads != 0 || p.hidden / p.heads > kMaxHeadDim)) {
    return make_error(ErrorCode::kInvalidData,
                      "the model's width {} does not give heads of 1 to {} elements for {} heads, "
                      "and the key '{}.attention.key_length' is not there",
                      p.hidden, kMaxHeadDim, p.heads, p.arch->gguf_name);
  }
  p.head_dim = head_dim.value_or(p.hidden / p.heads);
  const auto value_dim = PJ_TRY(keys.count("attention.value_length", 1, kMaxHeadDim));
  if (value_dim.value_or(p.head_dim) != p.head_dim) {
    return make_error(ErrorCode::kUnsupported,
                      "the model's keys have {} elements and its values {}, expected the same",
                      p.head_dim, *value_dim);
  }
  const auto eps = PJ_TRY(keys.positive("attention.layer_norm_rms_epsilon"));
  if (!eps) {
    return make_error(ErrorCode::kInvalidData,
                      "the model has no key '{}.attention.layer_norm_rms_epsilon'",
                      p.arch->gguf_name);
  }
  p.rms_eps = static_cast<float>(*eps);
  return {};
}

Status read_experts(const GgufNumbers& keys, HyperParameters& p) {
  if (!p.arch->moe.enabled) return {};
  p.experts = PJ_TRY(keys.required_count("expert_count", 1, kMaxExperts));
  p.experts_used = PJ_TRY(keys.required_count("expert_used_count", 1, p.experts));
  p.expert_ffn = PJ_TRY(keys.count("expert_feed_forward_length", 1, kMaxWidth)).value_or(p.ffn);
  if (p.expert_ffn == 0) {
    return make_error(ErrorCode::kInvalidData, "the key '{}.expert_feed_forward_length' is missing",
                      p.arch->gguf_name);
  }
  if (p.arch->moe.shared_expert) {
    p.shared_ffn = PJ_TRY(keys.required_count("expert_shared_feed_forward_length", 1, kMaxWidth));
  }
  return {};
}

Status read_scales(const GgufNumbers& keys, HyperParameters& p) {
  const auto as_float = [](double value) { return static_cast<float>(value); };
  // Models of this depth are scaled by the width of a head as hidden / heads gives it.
  const bool by_width = p.arch->attention.scale_by_width_at_layers == p.layers;
  const double scaled_dim = by_width ? static_cast<double>(p.hidden) / static_cast<double>(p.heads)
                                     : static_cast<double>(p.head_dim);
  p.attention_scale =
      as_float(PJ_TRY(keys.positive("attention.scale")).value_or(1.0 / std::sqrt(scaled_dim)));
  if (p.arch->attention.logit_softcap) {
    p.attention_softcap = as_float(PJ_TRY(keys.positive("attn_logit_softcapping")).value_or(50.0));
  }
  const auto final_softcap = PJ_TRY(keys.number("final_logit_softcapping"));
  p.final_softcap = as_float(final_softcap.value_or(p.arch->final_logit_softcap ? 30.0 : 0.0));
  if (p.final_softcap < 0) p.final_softcap = 0;
  p.embedding_scale = as_float(PJ_TRY(keys.positive("embedding_scale")).value_or(1.0));
  if (p.arch->embedding_times_sqrt_hidden) {
    p.embedding_scale *= std::sqrt(static_cast<float>(p.hidden));
  }
  p.residual_scale = as_float(PJ_TRY(keys.positive("residual_scale")).value_or(1.0));
  p.logit_scale = as_float(PJ_TRY(keys.positive("logit_scale")).value_or(1.0));
  return {};
}

Result<RopeScalingKind> read_scaling_kind(const GgufNumbers& keys) {
  const std::string kind = PJ_TRY(keys.text("rope.scaling.type")).value_or("none");
  if (kind == "none") return RopeScalingKind::kNone;
  if (kind == "linear") return RopeScalingKind::kLinear;
  if (kind == "yarn") return RopeScalingKind::kYarn;
  if (kind == "longrope") return RopeScalingKind::kLongRope;
  return make_error(ErrorCode::kUnsupported,
                    "the model's rope scaling is '{}', expected none, linear, yarn or longrope",
                    kind.substr(0, 64));
}

Status read_rope(const GgufNumbers& keys, HyperParameters& p) {
  RopeParameters& rope = p.rope;
  rope.rotated = PJ_TRY(keys.count("rope.dimension_count", 2, p.head_dim)).value_or(p.head_dim);
  if (rope.rotated % 2 != 0) {
    return make_error(ErrorCode::kInvalidData,
                      "the model rotates {} dimensions of a head, expected an even number",
                      rope.rotated);
  }
  rope.theta = PJ_TRY(keys.positive("rope.freq_base")).value_or(10000.0);
  rope.scaling = PJ_TRY(read_scaling_kind(keys));
  rope.original_context = PJ_TRY(keys.count("rope.scaling.original_context_length", 1, kMaxContext))
                              .value_or(p.context_length);
  rope.magnitude = PJ_TRY(keys.positive("rope.scaling.attn_factor")).value_or(1.0);
  if (rope.scaling == RopeScalingKind::kLinear || rope.scaling == RopeScalingKind::kYarn) {
    rope.factor = PJ_TRY(keys.positive("rope.scaling.factor")).value_or(1.0);
  }
  if (rope.scaling == RopeScalingKind::kYarn) {
    rope.extrapolation = PJ_TRY(keys.number("rope.scaling.yarn_ext_factor")).value_or(1.0);
    rope.beta_fast = PJ_TRY(keys.positive("rope.scaling.yarn_beta_fast")).value_or(32.0);
    rope.beta_slow = PJ_TRY(keys.positive("rope.scaling.yarn_beta_slow")).value_or(1.0);
    // A factor of the model's own takes the place of the usual 0.1 ln(s) + 1.
    const double usual = rope.factor <= 1.0 ? 1.0 : 0.1 * std::log(rope.factor) + 1.0;
    rope.magnitude *= PJ_TRY(keys.positive("rope.scaling.yarn_attn_factor")).value_or(usual);
  }
  p.local_rope = rope;
  if (p.arch->attention.local_rope_theta > 0) {
    p.local_rope = {.rotated = rope.rotated,
                    .theta = PJ_TRY(keys.positive("rope.freq_base_swa"))
                                 .value_or(p.arch->attention.local_rope_theta)};
  }
  return {};
}

}  // namespace

bool HyperParameters::has_window(std::int64_t layer) const {
  if (window == 0) return false;
  switch (arch->attention.sliding_window) {
    case SlidingWindow::kNone:
      return false;
    case SlidingWindow::kAllLayers:
      return true;
    case SlidingWindow::kEveryOther:
      return layer % 2 == 0;
    case SlidingWindow::kFiveOfSix:
      return layer % 6 != 5;
  }
  PJ_CHECK(false);
  return false;
}

bool HyperParameters::has_rope(std::int64_t layer) const {
  const int every = arch->attention.rope_skipped_every;
  return every == 0 || (layer + 1) % every != 0;
}

std::int64_t HyperParameters::value_of(Dim dim) const {
  switch (dim) {
    case Dim::kNone:
      return 0;
    case Dim::kHidden:
      return hidden;
    case Dim::kVocab:
      return vocab;
    case Dim::kHeadDim:
      return head_dim;
    case Dim::kQuery:
      return query_width();
    case Dim::kKeyValue:
      return kv_width();
    case Dim::kQkv:
      return query_width() + 2 * kv_width();
    case Dim::kFfn:
      return ffn;
    case Dim::kTwoFfn:
      return 2 * ffn;
    case Dim::kExperts:
      return experts;
    case Dim::kExpertFfn:
      return expert_ffn;
    case Dim::kSharedFfn:
      return shared_ffn;
  }
  PJ_CHECK(false);
  return 0;
}

Result<HyperParameters> read_hyper_parameters(const OpenedModel& model) {
  const auto* name = model.gguf_keys.find_as<std::string>("general.architecture");
  PJ_CHECK(name != nullptr);  // opening a model checks it
  HyperParameters p;
  p.arch = PJ_TRY(find_arch(model, *name));
  const GgufNumbers keys(model.gguf_keys, *name);
  PJ_TRY(read_sizes(keys, p));
  PJ_TRY(read_experts(keys, p));
  PJ_TRY(read_scales(keys, p));
  PJ_TRY(read_rope(keys, p));
  if (p.arch->attention.sliding_window != SlidingWindow::kNone) {
    p.window = PJ_TRY(keys.count("attention.sliding_window", 0, kMaxContext)).value_or(0);
  }
  const auto embedding = std::ranges::find(model.outputs, "token_embd.weight", &OutputTensor::name);
  if (embedding == model.outputs.end() || embedding->shape.rank() != 2 ||
      embedding->shape.dims[0] < 1 || embedding->shape.dims[0] > kMaxVocab) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}' has no tensor 'token_embd.weight' of 1 to {} rows", model.source.path,
                      kMaxVocab);
  }
  p.vocab = embedding->shape.dims[0];
  return p;
}

}  // namespace pajamas
