// SPDX-License-Identifier: Apache-2.0
#include "codecs/mlx/mlx_quantization.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace pajamas {
namespace {

struct ModeInfo {
  MlxMode mode;
  std::string_view name;
  int bits;  // default; of the floating-point modes the only one
  int group_size;
};

constexpr auto kModes = std::to_array<ModeInfo>({
    {MlxMode::kAffine, "affine", 4, 64},
    {MlxMode::kMxfp4, "mxfp4", 4, 32},
    {MlxMode::kMxfp8, "mxfp8", 8, 32},
    {MlxMode::kNvfp4, "nvfp4", 4, 16},
});

const ModeInfo& info_of(MlxMode mode) { return kModes[static_cast<std::size_t>(mode)]; }

}  // namespace

std::string MlxQuantization::name() const {
  if (mode != MlxMode::kAffine) return std::string(mlx_mode_name(mode));
  return fmt::format("affine{}_g{}", bits, group_size);
}

std::string_view mlx_mode_name(MlxMode mode) { return info_of(mode).name; }

std::optional<MlxMode> parse_mlx_mode(std::string_view name) {
  const auto* found = std::ranges::find(kModes, name, &ModeInfo::name);
  if (found == kModes.end()) return std::nullopt;
  return found->mode;
}

MlxQuantization with_mlx_defaults(MlxMode mode, int bits, int group_size) {
  const ModeInfo& info = info_of(mode);
  return {.mode = mode,
          .bits = bits == 0 ? info.bits : bits,
          .group_size = group_size == 0 ? info.group_size : group_size};
}

Status check_mlx_quantization(const MlxQuantization& quantization) {
  const ModeInfo& info = info_of(quantization.mode);
  if (quantization.mode != MlxMode::kAffine) {
    if (quantization.bits == info.bits && quantization.group_size == info.group_size) return {};
    return make_error(ErrorCode::kInvalidArgument,
                      "MLX's {} has {} bits in groups of {}, not {} bits in groups of {}",
                      info.name, info.bits, info.group_size, quantization.bits,
                      quantization.group_size);
  }
  if (std::ranges::find(kMlxBits, quantization.bits) == kMlxBits.end()) {
    return make_error(ErrorCode::kInvalidArgument, "MLX has no {}-bit affine weights; bits are {}",
                      quantization.bits, fmt::join(kMlxBits, ", "));
  }
  if (std::ranges::find(kMlxGroupSizes, quantization.group_size) == kMlxGroupSizes.end()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "MLX has no affine groups of {} weights; group sizes are {}",
                      quantization.group_size, fmt::join(kMlxGroupSizes, ", "));
  }
  return {};
}

}  // namespace pajamas
