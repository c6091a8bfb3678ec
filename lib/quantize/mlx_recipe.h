// SPDX-License-Identifier: Apache-2.0
// Which modules of an MLX folder are quantized, and how: one precision for all, or a mixed recipe.
//
// The decisions equal mlx-lm's for the same options, with one difference: a mixed recipe keeps the
// modules that the model's class keeps wide (routers, above all), which mlx-lm's recipes forget.
// docs/formats/mlx.md
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "archs/arch_spec.h"
#include "base/error.h"
#include "codecs/mlx/mlx_quantization.h"
#include "tensor/shape.h"

namespace pajamas {

struct MlxRecipe {
  std::string name;  // "4bit", "mxfp4", "mixed_2_6", "bf16"
  // Of modules that nothing names. Absent: nothing is quantized.
  std::optional<MlxQuantization> base;
  int high_bits = 0;  // of a mixed recipe, whose base has the low ones; otherwise 0
};

struct MlxRecipeOptions {
  int bits = 0;  // 0: what the precision says, or the default of the mode
  int group_size = 0;
  std::string mode;        // empty: what the precision says, or affine
  int embedding_bits = 0;  // of embed_tokens in affine mode; 0: as all, 16: not quantized
  int head_bits = 0;       // of lm_head, in the same way
};

// Precisions: "2bit" .. "8bit", "mxfp4", "mxfp8", "nvfp4", "mixed_2_6", "mixed_3_4", "mixed_3_6",
// "mixed_4_6", and "f32", "f16", "bf16" for no quantization. Empty: by the options alone.
Result<MlxRecipe> make_mlx_recipe(std::string_view precision, const MlxRecipeOptions& options);
std::vector<std::string> mlx_precision_names();

// A tensor that MLX may quantize: "model.layers.3.mlp.down_proj.weight".
struct MlxModule {
  std::string name;  // of the tensor
  Shape shape;
};

// Whether a tensor of that name and shape is a weight that MLX has a quantized form of.
bool is_mlx_quantizable(std::string_view tensor_name, const Shape& shape);

struct MlxDecision {
  std::optional<MlxQuantization> quantization;  // nothing: stays as it is
  bool is_fallback = false;  // it would be quantized, but its rows are not whole groups
};

// One decision per module, in order. `layers`: of the model, for mixed recipes.
std::vector<MlxDecision> choose_mlx_quantization(const MlxRecipe& recipe,
                                                 const MlxRecipeOptions& options,
                                                 std::span<const MlxRule> rules,
                                                 std::int64_t layers,
                                                 std::span<const MlxModule> modules);

// "model.layers.3.mlp.down_proj" of its weight.
std::string_view mlx_module_path(std::string_view tensor_name);

}  // namespace pajamas
