// SPDX-License-Identifier: Apache-2.0
// One group of MLX's floating-point modes: a shared scale in one byte, E2M1 or E4M3 codes under it.
#pragma once

#include <cstdint>
#include <span>

#include "codecs/mlx/mlx_codec.h"

namespace pajamas {

// The scale byte; codes: one per weight, unpacked. The encoding's scale_dtype is the type in which
// MLX holds the weights: on a CPU it divides in that type.
std::uint8_t code_float_group(const MlxEncoding& encoding, std::span<const float> group,
                              std::span<std::uint8_t> codes);

void decode_float_group(MlxMode mode, std::uint8_t scale, std::span<const std::uint8_t> codes,
                        std::span<float> group);

}  // namespace pajamas
