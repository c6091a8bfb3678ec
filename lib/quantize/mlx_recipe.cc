// SPDX-License-Identifier: Apache-2.0
#include "quantize/mlx_recipe.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/ranges.h>

namespace pajamas {
namespace {

struct Precision {
  std::string_view name;
  std::optional<MlxMode> mode;  // nothing: not quantized
  int bits;
  int high_bits;
};

constexpr auto kPrecisions = std::to_array<Precision>({
    {"2bit", MlxMode::kAffine, 2, 0},
    {"3bit", MlxMode::kAffine, 3, 0},
    {"4bit", MlxMode::kAffine, 4, 0},
    {"5bit", MlxMode::kAffine, 5, 0},
    {"6bit", MlxMode::kAffine, 6, 0},
    {"8bit", MlxMode::kAffine, 8, 0},
    {"mxfp4", MlxMode::kMxfp4, 4, 0},
    {"mxfp8", MlxMode::kMxfp8, 8, 0},
    {"nvfp4", MlxMode::kNvfp4, 4, 0},
    {"mixed_2_6", MlxMode::kAffine, 2, 6},
    {"mixed_3_4", MlxMode::kAffine, 3, 4},
    {"mixed_3_6", MlxMode::kAffine, 3, 6},
    {"mixed_4_6", MlxMode::kAffine, 4, 6},
    {"f32", std::nullopt, 0, 0},
    {"f16", std::nullopt, 0, 0},
    {"bf16", std::nullopt, 0, 0},
});

constexpr int kKeptBits = 16;  // of an option: do not quantize

// The first number among the parts of a path: the layer. 0 outside layers, as mlx-lm has it.
std::int64_t layer_of(std::string_view path) {
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t dot = std::min(path.find('.', start), path.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(path.data() + start, path.data() + dot, number);
    if (error == std::errc{} && end == path.data() + dot) return number;
    start = dot + 1;
  }
  return 0;
}

// The first and the last eighth of the layers, and every third between.
bool has_more_bits(std::int64_t layer, std::int64_t layers) {
  const std::int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

bool is_high(std::string_view path, std::int64_t layers) {
  const auto has = [&](std::string_view part) { return path.find(part) != std::string_view::npos; };
  if (has("lm_head")) return true;
  const bool is_sensitive = has("v_proj") || has("v_a_proj") || has("v_b_proj") || has("down_proj");
  return is_sensitive && has_more_bits(layer_of(path), layers);
}

Status check_bits_option(std::string_view name, int bits) {
  if (bits == 0 || bits == kKeptBits || std::ranges::find(kMlxBits, bits) != kMlxBits.end()) {
    return {};
  }
  return make_error(ErrorCode::kInvalidArgument, "{} is {}; it is one of {} or {} (not quantized)",
                    name, bits, fmt::join(kMlxBits, ", "), kKeptBits);
}

Result<MlxRecipe> make_from_options(const MlxRecipeOptions& options) {
  const auto mode = parse_mlx_mode(options.mode.empty() ? "affine" : options.mode);
  if (!mode) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--mlx-mode '{}' is not one of affine, mxfp4, mxfp8 and nvfp4", options.mode);
  }
  const MlxQuantization base = with_mlx_defaults(*mode, options.bits, options.group_size);
  PJ_TRY(check_mlx_quantization(base));
  const std::string name =
      base.has_biases() ? fmt::format("{}bit", base.bits) : std::string(mlx_mode_name(*mode));
  return MlxRecipe{.name = name, .base = base};
}

class Chooser {
 public:
  Chooser(const MlxRecipe& recipe, const MlxRecipeOptions& options, std::span<const MlxRule> rules,
          std::int64_t layers)
      : recipe_(recipe), options_(options), rules_(rules), layers_(layers) {}

  [[nodiscard]] MlxDecision choose(const MlxModule& module) const {
    if (!recipe_.base || !is_mlx_quantizable(module.name, module.shape)) return {};
    // mlx-lm asks for whole groups of the common size, whatever the module's own is.
    if (!recipe_.base->fits(module.shape.cols())) return {.is_fallback = true};
    const std::string_view path = mlx_module_path(module.name);
    const std::optional<MlxQuantization> wanted = wanted_for(path);
    if (wanted && !wanted->fits(module.shape.cols())) return {.is_fallback = true};
    return {.quantization = wanted};
  }

 private:
  [[nodiscard]] std::optional<MlxQuantization> wanted_for(std::string_view path) const {
    const int own_bits = path.ends_with("embed_tokens") ? options_.embedding_bits
                         : path.ends_with("lm_head")    ? options_.head_bits
                                                        : 0;
    if (own_bits == kKeptBits) return std::nullopt;
    if (own_bits != 0) return affine(own_bits);
    for (const MlxRule& rule : rules_) {
      if (!path.ends_with(rule.module_suffix)) continue;
      return MlxQuantization{MlxMode::kAffine, rule.bits, rule.group_size};
    }
    if (recipe_.high_bits == 0 || !is_high(path, layers_)) return recipe_.base;
    return affine(recipe_.high_bits);
  }

  [[nodiscard]] MlxQuantization affine(int bits) const {
    const bool is_affine = recipe_.base->has_biases();
    return with_mlx_defaults(MlxMode::kAffine, bits, is_affine ? recipe_.base->group_size : 0);
  }

  const MlxRecipe& recipe_;
  const MlxRecipeOptions& options_;
  std::span<const MlxRule> rules_;
  std::int64_t layers_;
};

}  // namespace

Result<MlxRecipe> make_mlx_recipe(std::string_view precision, const MlxRecipeOptions& options) {
  PJ_TRY(check_bits_option("--mlx-embedding-bits", options.embedding_bits));
  PJ_TRY(check_bits_option("--mlx-head-bits", options.head_bits));
  if (precision.empty()) return make_from_options(options);
  const auto* found = std::ranges::find(kPrecisions, precision, &Precision::name);
  if (found == kPrecisions.end()) {
    return make_error(ErrorCode::kInvalidArgument, "'{}' is not an MLX precision; they are {}",
                      precision, fmt::join(mlx_precision_names(), ", "));
  }
  const bool names_mode =
      found->mode && !options.mode.empty() && options.mode != mlx_mode_name(*found->mode);
  const bool names_bits = options.bits != 0 && options.bits != found->bits;
  if (names_mode || names_bits) {
    return make_error(ErrorCode::kInvalidArgument,
                      "MLX precision '{}' contradicts --mlx-bits or --mlx-mode; leave one out",
                      precision);
  }
  MlxRecipe recipe{.name = std::string(precision), .high_bits = found->high_bits};
  if (!found->mode) return recipe;
  recipe.base = with_mlx_defaults(*found->mode, found->bits, options.group_size);
  PJ_TRY(check_mlx_quantization(*recipe.base));
  return recipe;
}

std::vector<std::string> mlx_precision_names() {
  std::vector<std::string> names;
  for (const Precision& precision : kPrecisions) names.emplace_back(precision.name);
  return names;
}

bool is_mlx_quantizable(std::string_view tensor_name, const Shape& shape) {
  return shape.rank() >= 2 && tensor_name.ends_with(".weight") &&
         !mlx_module_path(tensor_name).ends_with("norm");
}

std::vector<MlxDecision> choose_mlx_quantization(const MlxRecipe& recipe,
                                                 const MlxRecipeOptions& options,
                                                 std::span<const MlxRule> rules,
                                                 std::int64_t layers,
                                                 std::span<const MlxModule> modules) {
  const Chooser chooser(recipe, options, rules, layers);
  std::vector<MlxDecision> decisions;
  decisions.reserve(modules.size());
  for (const MlxModule& module : modules) decisions.push_back(chooser.choose(module));
  return decisions;
}

std::string_view mlx_module_path(std::string_view tensor_name) {
  return tensor_name.substr(0, tensor_name.rfind('.'));
}

}  // namespace pajamas
