// SPDX-License-Identifier: Apache-2.0
#include "formats/mlx/mlx_config.h"

#include "formats/printable.h"

namespace pajamas {
namespace {

// Null, as some converters write, means the default of the mode; so does no mode at all.
Result<MlxQuantization> parse_settings(const Json& settings, std::string_view where) {
  const auto in_place = [&](const Error& error) {
    return std::unexpected(error.with_context(fmt::format("config.json: {}", where)));
  };
  const auto mode_name = get_string(settings, "mode");
  if (!mode_name) return in_place(mode_name.error());
  const auto mode = parse_mlx_mode(mode_name->value_or("affine"));
  if (!mode) {
    return make_error(ErrorCode::kUnsupported,
                      "config.json: {}: mode is '{}', expected affine, mxfp4, mxfp8 or nvfp4",
                      where, printable(**mode_name));
  }
  const auto bits = get_int(settings, "bits");
  if (!bits) return in_place(bits.error());
  const auto group_size = get_int(settings, "group_size");
  if (!group_size) return in_place(group_size.error());
  const auto small = [](std::int64_t value) {
    return value > 0 && value <= 1024 ? static_cast<int>(value) : -1;
  };
  const MlxQuantization found =
      with_mlx_defaults(*mode, bits->has_value() ? small(**bits) : 0,
                        group_size->has_value() ? small(**group_size) : 0);
  if (const Status valid = check_mlx_quantization(found); !valid) {
    return in_place({ErrorCode::kInvalidData, valid.error().message});
  }
  return found;
}

}  // namespace

std::optional<MlxQuantization> MlxQuantizationConfig::find(std::string_view module) const {
  const auto found = modules.find(module);
  return found == modules.end() ? all : found->second;
}

Result<std::optional<MlxQuantizationConfig>> parse_mlx_quantization(const Json& config) {
  const Json* settings = find_member(config, "quantization");
  if (settings == nullptr) settings = find_member(config, "quantization_config");
  if (settings == nullptr || !settings->is_object()) return std::nullopt;
  // Other tools name their method; MLX has bits and group size.
  if (settings->contains("quant_method") || !settings->contains("group_size") ||
      !settings->contains("bits")) {
    return std::nullopt;
  }
  MlxQuantizationConfig parsed;
  parsed.all = PJ_TRY(parse_settings(*settings, "quantization"));
  for (const auto& [key, value] : settings->items()) {
    if (value.is_object()) {
      parsed.modules[key] =
          PJ_TRY(parse_settings(value, fmt::format("quantization of '{}'", printable(key))));
    } else if (value.is_boolean() && !value.get<bool>()) {
      parsed.modules[key] = std::nullopt;
    }
  }
  return parsed;
}

}  // namespace pajamas
