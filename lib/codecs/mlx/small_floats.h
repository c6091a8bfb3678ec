// SPDX-License-Identifier: Apache-2.0
// The 4-bit and 8-bit floats of MLX's floating-point modes, with MLX's own corner cases: E4M3
// saturates at 448, also for infinity and NaN, and byte 0x7f reads as 480.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace pajamas {

inline constexpr std::array<float, 8> kE2M1Values = {0.0F, 0.5F, 1.0F, 1.5F,
                                                     2.0F, 3.0F, 4.0F, 6.0F};
inline constexpr float kE2M1Max = 6.0F;
inline constexpr float kE4M3Max = 448.0F;

// Code 8 (minus zero) gives -0.
constexpr float e2m1_to_f32(unsigned code) {
  const float magnitude = kE2M1Values[code & 7U];
  return (code & 8U) != 0 ? -magnitude : magnitude;
}

// The nearest value; of two the one nearer to zero, as a search from zero upward finds it. Zero
// has no sign.
constexpr std::uint8_t f32_to_e2m1_toward_zero(float value) {
  const float a = value < 0 ? -value : value;
  const unsigned code = unsigned{a > 0.25F} + unsigned{a > 0.75F} + unsigned{a > 1.25F} +
                        unsigned{a > 1.75F} + unsigned{a > 2.5F} + unsigned{a > 3.5F} +
                        unsigned{a > 5.0F};
  return static_cast<std::uint8_t>(code | (unsigned{value < -0.25F} << 3U));
}

// The nearest value, ties to even; the sign stays, also of zero.
constexpr std::uint8_t f32_to_e2m1_even(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const float a = std::bit_cast<float>(bits & 0x7fffffffU);
  const unsigned code = unsigned{a > 0.25F} + unsigned{a >= 0.75F} + unsigned{a > 1.25F} +
                        unsigned{a >= 1.75F} + unsigned{a > 2.5F} + unsigned{a >= 3.5F} +
                        unsigned{a > 5.0F};
  return static_cast<std::uint8_t>(code | ((bits >> 28) & 8U));
}

constexpr float e4m3_to_f32(std::uint8_t byte) {
  const std::uint32_t sign = static_cast<std::uint32_t>(byte & 0x80U) << 24;
  const std::uint32_t exponent = (byte >> 3) & 0xfU;
  const std::uint32_t mantissa = byte & 7U;
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 120U) << 23) | (mantissa << 20));
  }
  const float magnitude = static_cast<float>(mantissa) * 0x1p-9F;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
}

// Nearest, ties to even.
constexpr std::uint8_t f32_to_e4m3(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint8_t>((bits >> 24) & 0x80U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude >= 0x43e80000U) return static_cast<std::uint8_t>(sign | 0x7eU);  // >= 464
  if (magnitude < 0x3c800000U) {  // below 2^-6: the sum's rounding leaves the subnormal's bits
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p14F;
    return static_cast<std::uint8_t>(
        sign | ((std::bit_cast<std::uint32_t>(shifted) - 0x46800000U) & 0xffU));
  }
  const std::uint32_t rounded = magnitude + 0x7ffffU + ((magnitude >> 20) & 1U);
  return static_cast<std::uint8_t>(sign | ((rounded - 0x3c000000U) >> 20));
}

// 2^(byte - 127); byte 0 is the subnormal 2^-127.
constexpr float e8m0_to_f32(std::uint8_t byte) {
  if (byte == 0) return 0x1p-127F;
  return std::bit_cast<float>(static_cast<std::uint32_t>(byte) << 23);
}

// The byte of the smallest power of two that is not below the value, for finite value > 0 within
// 2^-127 .. 2^127.
constexpr std::uint8_t e8m0_not_below(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t exponent = (bits >> 23) & 0xffU;
  const std::uint32_t fraction = bits & 0x7fffffU;
  // A subnormal is at most 2^-127 * 2: up to 2^-127 exactly its fraction is at most 2^22.
  if (exponent == 0) return fraction <= 0x400000U ? 0 : 1;
  const std::uint32_t byte = exponent + (fraction != 0 ? 1U : 0U);
  return static_cast<std::uint8_t>(byte > 254U ? 254U : byte);
}

}  // namespace pajamas
