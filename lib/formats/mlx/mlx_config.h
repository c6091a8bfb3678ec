// SPDX-License-Identifier: Apache-2.0
// What an MLX folder's config.json says about its quantization: settings for all modules, and
// exceptions by module path. Values. docs/formats/mlx.md
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "codecs/mlx/mlx_quantization.h"

namespace pajamas {

struct MlxQuantizationConfig {
  MlxQuantization all;
  // By module path, without ".weight"; nothing where the config says false: not quantized.
  std::map<std::string, std::optional<MlxQuantization>, std::less<>> modules;

  // Of a module that has scales.
  [[nodiscard]] std::optional<MlxQuantization> find(std::string_view module) const;
};

// Nothing when config.json is not that of an MLX folder: no "quantization", or one of another
// tool. Errors name the module and what MLX has instead.
Result<std::optional<MlxQuantizationConfig>> parse_mlx_quantization(const Json& config);

}  // namespace pajamas
