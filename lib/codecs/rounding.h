// SPDX-License-Identifier: Apache-2.0
// Float to integer as the reference encoders do it, defined for every float.
//
// Encoded bytes depend on these to the last bit, also where a scale overflows or is not a number.
// C++ leaves an out-of-range conversion undefined; the reference's machine (x86-64) gives the
// values stated here, and files made there are the ones to equal.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace pajamas {

// Nearest integer, ties to even, for |value| < 2^22. The addend 1.5 * 2^23 moves the integer part
// into the low mantissa bits. Larger values, infinities and NaN give what those bits then hold.
constexpr int nearest_int(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 12582912.0F);
  return static_cast<int>(bits & 0x7fffffU) - 0x400000;
}

// Toward zero; INT32_MIN for NaN and everything outside the range, as cvttss2si gives.
constexpr std::int32_t truncate_to_i32(float value) {
  if (value >= -0x1p31F && value < 0x1p31F) return static_cast<std::int32_t>(value);
  return std::numeric_limits<std::int32_t>::min();
}

// The low byte of the truncated value: a C cast to an 8-bit integer on the reference's machine.
constexpr std::uint8_t truncate_to_u8(float value) {
  return static_cast<std::uint8_t>(static_cast<std::uint32_t>(truncate_to_i32(value)) & 0xffU);
}
constexpr std::int8_t truncate_to_i8(float value) {
  return static_cast<std::int8_t>(truncate_to_u8(value));
}

constexpr int clamp_int(int value, int low, int high) {
  return value < low ? low : (value > high ? high : value);
}

}  // namespace pajamas
