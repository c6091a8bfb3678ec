// SPDX-License-Identifier: Apache-2.0
// What the K types share: 256 weights in groups of 16 or 32, a float fit per group, then integer
// group scales under one F16 scale of the super block.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "codecs/error_weights.h"
#include "codecs/rounding.h"

namespace pajamas {

inline constexpr std::size_t kSuperElems = 256;
using SuperCodes = std::array<std::uint8_t, kSuperElems>;

// Mean square of a super block. The sum is scaled before it is divided, as in the reference.
inline float super_variance(std::span<const float> x, float factor) {
  return factor * sum_of_squares(x) / static_cast<float>(kSuperElems);
}

// Rounds a group again, now that its scale is the stored one; a scale of 0 leaves the codes.
// code = nearest((x + offset) / scale) clamped to [low, high], stored plus -low.
inline void round_group(std::span<const float> x, float scale, float offset, int low, int high,
                        std::span<std::uint8_t> codes) {
  if (scale == 0.0F) return;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int code = clamp_int(nearest_int((x[i] + offset) / scale), low, high);
    codes[i] = static_cast<std::uint8_t>(code - low);
  }
}

// Weights for affine groups without importance: the group's root mean square plus |x|.
inline void weigh_by_magnitude(std::span<const float> x, std::span<float> weights) {
  const float rms = std::sqrt(sum_of_squares(x) / static_cast<float>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) weights[i] = rms + std::fabs(x[i]);
}

// Two-bit planes of Q2_K and Q3_K: byte 32h + m holds elements 128h + m + 32n at bits 2n.
inline void pack_two_bits(const SuperCodes& codes, std::span<std::uint8_t, 64> packed) {
  for (std::size_t byte = 0; byte < 64; ++byte) {
    const std::size_t first = byte / 32 * 128 + byte % 32;
    unsigned bits = 0;
    for (std::size_t n = 0; n < 4; ++n) bits |= (codes[first + 32 * n] & 3U) << (2 * n);
    packed[byte] = static_cast<std::uint8_t>(bits);
  }
}

inline std::uint8_t two_bits_of(std::span<const std::uint8_t, 64> packed, std::size_t elem) {
  const std::size_t byte = elem / 128 * 32 + elem % 32;
  return (packed[byte] >> (2 * (elem % 128 / 32))) & 3U;
}

// Nibbles of Q4_K, Q5_K: 32 bytes per 64 elements, low half elements 0-31, high half 32-63.
inline void pack_super_nibbles(const SuperCodes& codes, std::span<std::uint8_t, 128> packed) {
  for (std::size_t byte = 0; byte < 128; ++byte) {
    const std::size_t first = byte / 32 * 64 + byte % 32;
    packed[byte] =
        static_cast<std::uint8_t>((codes[first] & 0xfU) | ((codes[first + 32] & 0xfU) << 4));
  }
}

inline std::uint8_t super_nibble_of(std::span<const std::uint8_t, 128> packed, std::size_t elem) {
  return (packed[elem / 64 * 32 + elem % 32] >> (4 * (elem % 64 / 32))) & 0xfU;
}

}  // namespace pajamas
