// SPDX-License-Identifier: Apache-2.0
#include "quantize/recipe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <regex>

namespace pajamas {
namespace {

struct NamePart {
  std::string_view part;
  Role role;
};

// By substring, first match wins; the whole-name roles are tested before these.
constexpr auto kRoleParts = std::to_array<NamePart>({
    {"attn_qkv.weight", Role::kAttnV},
    {"attn_kv_b.weight", Role::kAttnV},
    {"attn_v.weight", Role::kAttnV},
    {"attn_k.weight", Role::kAttnK},
    {"attn_q.weight", Role::kAttnQ},
    {"attn_output.weight", Role::kAttnOutput},
    {"ffn_up", Role::kFfnUp},
    {"ffn_gate", Role::kFfnGate},
    {"ffn_down", Role::kFfnDown},
});

// Tensors whose name contains one of these are small or delicate and keep their type.
constexpr auto kNeverQuantized = std::to_array<std::string_view>({
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    "attn_rel_b.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
    "a.rvq.codebook",
    "mm.a.code_embd",
});

// Rules of every quantizing recipe, before its own. An output matrix (or the embedding that serves
// as one) is worth more bits; Mixtral-sized models spend a little more on keys and values.
constexpr auto kExpertRules = std::to_array<Rule>({
    {Role::kAttnV, kEightExperts, DType::kQ8_0},
    {Role::kAttnK, kEightExperts, DType::kQ8_0},
});

struct Fallback {
  DType from;
  DType to;
};
constexpr auto kFallbacks = std::to_array<Fallback>({
    {DType::kIQ4_XS, DType::kIQ4_NL},
    {DType::kQ2_K, DType::kQ4_0},
    {DType::kQ3_K, DType::kQ4_0},
    {DType::kTQ1_0, DType::kQ4_0},
    {DType::kTQ2_0, DType::kQ4_0},
    {DType::kQ4_K, DType::kQ5_0},
    {DType::kQ5_K, DType::kQ5_1},
    {DType::kQ6_K, DType::kQ8_0},
});

bool fits(DType dtype, std::int64_t cols) { return cols % dtype_info(dtype).block_elems == 0; }

bool is_quantizable(const RecipeTensor& tensor) {
  if (tensor.shape.rank() < 2 || !tensor.name.ends_with("weight")) return false;
  if (tensor.name == "position_embd.weight" || tensor.name == "token_types.weight") return false;
  return std::ranges::none_of(kNeverQuantized, [&](std::string_view part) {
    return tensor.name.find(part) != std::string::npos;
  });
}

// The extra-precision schedule of the _M recipes over n layers.
bool gets_more_bits(std::int64_t i, std::int64_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

// llama.cpp's size class "70B" by shape: 80 layers with grouped-query attention.
bool is_70b(const RecipeModel& model) {
  if (model.layers != 80) return false;
  if (model.arch == "llama") return model.heads != model.kv_heads;
  return model.arch == "qwen2" || model.arch == "deci" || model.arch == "olmo";
}

Result<std::int64_t> layer_in_name(std::string_view name, std::int64_t layers) {
  constexpr std::string_view kPrefix = "blk.";
  std::int64_t layer = -1;
  if (name.starts_with(kPrefix)) {
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  }
  if (layer < 0 || layer >= layers) {
    return make_error(ErrorCode::kInvalidData,
                      "tensor '{}' should name a layer below {} (block_count)", name, layers);
  }
  return layer;
}

// Decides tensor after tensor; counts what the layer rules count.
class Chooser {
 public:
  Chooser(const Recipe& recipe, const RecipeModel& model, const RecipeOptions& options,
          std::span<const RecipeTensor> tensors)
      : recipe_(recipe), model_(model), options_(options) {
    for (const RecipeTensor& tensor : tensors) {
      values_ += role_of(tensor.name) == Role::kAttnV ? 1 : 0;
      has_output_ = has_output_ || tensor.name == "output.weight";
    }
  }

  Status compile_overrides() {
    for (const TensorTypeOverride& entry : options_.tensor_types) {
      std::string pattern = entry.pattern;
      std::ranges::transform(pattern, pattern.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      try {
        overrides_.emplace_back(std::regex(pattern), entry.dtype);
      } catch (const std::regex_error& error) {
        return make_error(ErrorCode::kInvalidArgument,
                          "--tensor-type: '{}' is not a regular expression: {}", entry.pattern,
                          error.what());
      }
    }
    return {};
  }

  Result<TypeDecision> choose(const RecipeTensor& tensor) {
    const Role role = role_of(tensor.name);
    if (!is_quantizable(tensor) || (role == Role::kOutput && options_.leave_output_tensor)) {
      return TypeDecision{.dtype = tensor.source_dtype};
    }
    if (role == Role::kTokenEmbedding && options_.token_embedding_type) {
      return decide_exactly(tensor, *options_.token_embedding_type);
    }
    if (role == Role::kOutput && options_.output_tensor_type) {
      return decide_exactly(tensor, *options_.output_tensor_type);
    }
    if (!is_block_quantized(recipe_.base)) {
      return TypeDecision{.dtype = recipe_.base, .is_quantizable = true};
    }
    DType chosen = recipe_.base;
    if (const DType* forced = find_override(tensor.name)) {
      chosen = *forced;
    } else if (!options_.pure) {
      chosen = PJ_TRY(apply_rules(tensor, role));
    }
    return fit(tensor, chosen);
  }

 private:
  static Result<TypeDecision> decide_exactly(const RecipeTensor& tensor, DType dtype) {
    if (!fits(dtype, tensor.shape.cols())) {
      return make_error(ErrorCode::kInvalidArgument,
                        "tensor '{}' has rows of {}, which {} (blocks of {}) cannot hold; choose "
                        "another type for it",
                        tensor.name, tensor.shape.cols(), dtype_name(dtype),
                        dtype_info(dtype).block_elems);
    }
    return TypeDecision{.dtype = dtype, .is_quantizable = true};
  }

  static Result<TypeDecision> fit(const RecipeTensor& tensor, DType dtype) {
    const std::int64_t cols = tensor.shape.cols();
    if (fits(dtype, cols)) return TypeDecision{.dtype = dtype, .is_quantizable = true};
    for (const Fallback& fallback : kFallbacks) {
      if (fallback.from != dtype) continue;
      const DType to = fits(fallback.to, cols) ? fallback.to : DType::kF16;
      return TypeDecision{.dtype = to, .is_quantizable = true, .is_fallback = true};
    }
    return decide_exactly(tensor, dtype);  // gives the error
  }

  const DType* find_override(const std::string& name) const {
    for (const auto& [pattern, dtype] : overrides_) {
      if (std::regex_search(name, pattern)) return &dtype;
    }
    return nullptr;
  }

  Facts facts_of(const RecipeTensor& tensor, std::int64_t index, std::int64_t count) const {
    const std::int64_t gqa = model_.kv_heads > 0 ? model_.heads / model_.kv_heads : 0;
    const auto fact = [](bool holds, Facts yes, Facts no = 0) { return holds ? yes : no; };
    return fact(gqa >= 4, kGqa4) | fact(model_.experts == 8, kEightExperts, kNotEightExperts) |
           fact(options_.has_imatrix, kImatrix, kNoImatrix) |
           fact(model_.arch == "falcon", kFalcon, kNotFalcon) | fact(index < 2, kFirst2) |
           fact(index < 4, kFirst4) | fact(index < count / 16, kFirst16th) |
           fact(index < count / 8, kFirst8th) | fact(gets_more_bits(index, count), kMoreBits) |
           fact(tensor.shape.rank() == 3 && tensor.shape.dims[0] > 1, kStackedExperts);
  }

  // Position of this tensor among its kind, and how many there are.
  Result<std::pair<std::int64_t, std::int64_t>> position(const RecipeTensor& tensor, Role role) {
    if (role == Role::kAttnV) return std::pair{counters_[role]++, values_};
    if (role != Role::kFfnDown) return std::pair{std::int64_t{0}, model_.layers};
    const std::int64_t index =
        model_.experts > 1 ? PJ_TRY(layer_in_name(tensor.name, model_.layers)) : counters_[role];
    ++counters_[role];
    return std::pair{index, model_.layers};
  }

  DType output_type(const RecipeTensor& tensor) const {
    const bool wants_q8 = recipe_.base == DType::kMXFP4 || recipe_.base == DType::kQ8_0 ||
                          model_.arch == "falcon" || !fits(recipe_.base, tensor.shape.cols());
    return wants_q8 ? DType::kQ8_0 : DType::kQ6_K;
  }

  Result<DType> apply_rules(const RecipeTensor& tensor, Role role) {
    const bool serves_as_output =
        role == Role::kOutput || (role == Role::kTokenEmbedding && !has_output_);
    if (serves_as_output) return options_.output_tensor_type.value_or(output_type(tensor));

    const auto [index, count] = PJ_TRY(position(tensor, role));
    const Facts facts = facts_of(tensor, index, count);
    const auto first_match = [&](std::span<const Rule> rules) -> std::optional<DType> {
      for (const Rule& rule : rules) {
        if ((rule.role == Role::kAny || rule.role == role) && (facts & rule.when) == rule.when) {
          return rule.dtype;
        }
      }
      return std::nullopt;
    };
    if (recipe_.base != DType::kMXFP4) {
      if (const auto dtype = first_match(kExpertRules)) return *dtype;
    }
    const DType dtype = first_match(recipe_.rules).value_or(recipe_.base);
    // The value matrices of 70B models are an eighth of the query's size: more bits cost little.
    const bool is_low = dtype == DType::kQ3_K || dtype == DType::kQ4_K;
    if (role == Role::kAttnV && is_low && is_70b(model_)) return DType::kQ5_K;
    return dtype;
  }

  const Recipe& recipe_;
  const RecipeModel& model_;
  const RecipeOptions& options_;
  std::vector<std::pair<std::regex, DType>> overrides_;
  std::map<Role, std::int64_t> counters_;
  std::int64_t values_ = 0;
  bool has_output_ = false;
};

}  // namespace

Role role_of(std::string_view gguf_name) {
  if (gguf_name == "output.weight") return Role::kOutput;
  if (gguf_name == "token_embd.weight" || gguf_name == "per_layer_token_embd.weight") {
    return Role::kTokenEmbedding;
  }
  for (const NamePart& entry : kRoleParts) {
    if (gguf_name.find(entry.part) != std::string_view::npos) return entry.role;
  }
  return Role::kOther;
}

Result<std::vector<TypeDecision>> choose_types(const Recipe& recipe, const RecipeModel& model,
                                               std::span<const RecipeTensor> tensors,
                                               const RecipeOptions& options) {
  Chooser chooser(recipe, model, options, tensors);
  PJ_TRY(chooser.compile_overrides());
  std::vector<TypeDecision> decisions;
  decisions.reserve(tensors.size());
  for (const RecipeTensor& tensor : tensors) decisions.push_back(PJ_TRY(chooser.choose(tensor)));
  return decisions;
}

Result<TensorTypeOverride> parse_tensor_type(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--tensor-type '{}' should be REGEX=TYPE, like 'ffn_down=q6_k'", text);
  }
  const auto dtype = parse_dtype(text.substr(equals + 1));
  if (!dtype) {
    return make_error(ErrorCode::kInvalidArgument, "--tensor-type '{}': '{}' is not a tensor type",
                      text, text.substr(equals + 1));
  }
  return TensorTypeOverride{std::string(text.substr(0, equals)), *dtype};
}

}  // namespace pajamas
