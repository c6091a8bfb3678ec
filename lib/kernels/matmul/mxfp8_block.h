// SPDX-License-Identifier: Apache-2.0
// Blocks of MLX's mxfp8 as signed bytes, what the products of integers take: 32 E4M3 codes under an
// E8M0 scale, w = 2^(scale - 127) * E4M3(code), become w ~ 2^(exponent - 127) * byte.
//
// E4M3 numbers are 2^-9 times integers of 4 significant bits. The unit of a block's bytes is the
// smallest power of two, 2^-9 or more, that keeps them within -127 .. 127. If it is more, the
// largest byte is 64 to 120: numbers from 1/8 of the largest on are exact, and smaller ones are
// rounded to the nearest multiple of the unit, ties to even, by 1/128 of the largest at most.
// Rounded numbers are again E4M3 numbers.
// docs/decisions/0008-mxfp8-as-bytes.md
#pragma once

#include <cstdint>
#include <span>

namespace pajamas {

inline constexpr int kMxfp8BlockCols = 32;

// Codes to bytes plus 128, in place. Returns the exponent, as E8M0: 255, which is infinity, where
// the unit lies beyond 2^127 (then the largest weight does not fit F32 either). No unit is below
// 2^-127: weights below 2^-120 may be rounded to multiples of that.
std::uint8_t bytes_of_mxfp8(std::uint8_t scale, std::span<std::uint8_t, kMxfp8BlockCols> codes);

// Bytes plus 128 to the codes that the exponent is the scale of, in place: the same weights.
void codes_of_mxfp8_bytes(std::span<std::uint8_t> bytes);

}  // namespace pajamas
