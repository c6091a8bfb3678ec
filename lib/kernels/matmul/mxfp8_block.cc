// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/mxfp8_block.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "codecs/mlx/small_floats.h"

namespace pajamas {
namespace {

constexpr int kUnitExponent = 9;  // E4M3 numbers are multiples of 2^-9
constexpr int kInfinity = 255;    // E8M0
// Magnitudes of the exponent field 4 are 64 to 120 multiples; every field above doubles them.
constexpr int kExactField = 4;
constexpr int kMaxShift = 15 - kExactField;

using Bytes = std::array<std::uint8_t, 256>;

// By code: the number over 2^(shift - 9), to the nearest integer, ties to even, plus 128. Those
// beyond a byte do not occur under that shift.
constexpr Bytes bytes_for(int shift) {
  Bytes bytes{};
  for (int code = 0; code < 256; ++code) {
    const int field = (code >> 3) & 0xf;
    const int multiple = field == 0 ? code & 7 : ((code & 7) + 8) << (field - 1);
    const int below_half = shift == 0 ? 0 : (1 << (shift - 1)) - 1;
    const int odd = shift == 0 ? 0 : (multiple >> shift) & 1;
    const int rounded = (multiple + below_half + odd) >> shift;
    bytes[static_cast<std::size_t>(code)] =
        static_cast<std::uint8_t>(128 + (code < 128 ? rounded : -rounded));
  }
  return bytes;
}

constexpr std::array<Bytes, kMaxShift + 1> kBytes = [] {
  std::array<Bytes, kMaxShift + 1> all{};
  for (int shift = 0; shift <= kMaxShift; ++shift) {
    all[static_cast<std::size_t>(shift)] = bytes_for(shift);
  }
  return all;
}();

}  // namespace

std::uint8_t bytes_of_mxfp8(std::uint8_t scale, std::span<std::uint8_t, kMxfp8BlockCols> codes) {
  unsigned fields = 0;  // shifted by 3
  for (const std::uint8_t code : codes) fields = std::max(fields, code & 0x78U);
  const int largest = static_cast<int>(fields >> 3);
  const int shift = std::max({0, largest - kExactField, kUnitExponent - scale});
  const Bytes& bytes = kBytes[static_cast<std::size_t>(shift)];
  for (std::uint8_t& code : codes) code = bytes[code];
  const int exponent = scale == kInfinity ? kInfinity : scale + shift - kUnitExponent;
  return static_cast<std::uint8_t>(std::min(exponent, kInfinity));
}

void codes_of_mxfp8_bytes(std::span<std::uint8_t> bytes) {
  for (std::uint8_t& byte : bytes) byte = f32_to_e4m3(static_cast<float>(byte - 128));
}

}  // namespace pajamas
