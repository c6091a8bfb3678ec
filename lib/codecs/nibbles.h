// SPDX-License-Identifier: Apache-2.0
// The nibble order of the 32-element types: byte j holds element j in its low half and element
// j + 16 in its high half.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pajamas {

inline void pack_nibbles(std::span<const std::uint8_t, 32> codes,
                         std::span<std::uint8_t, 16> packed) {
  for (std::size_t j = 0; j < 16; ++j) {
    packed[j] = static_cast<std::uint8_t>((codes[j] & 0xfU) | ((codes[j + 16] & 0xfU) << 4));
  }
}

inline void unpack_nibbles(std::span<const std::uint8_t, 16> packed,
                           std::span<std::uint8_t, 32> codes) {
  for (std::size_t j = 0; j < 16; ++j) {
    codes[j] = packed[j] & 0xfU;
    codes[j + 16] = static_cast<std::uint8_t>(packed[j] >> 4);
  }
}

// Fifth bits: bit j of the little-endian 32-bit word is bit 4 of code j.
inline void pack_fifth_bits(std::span<const std::uint8_t, 32> codes,
                            std::span<std::uint8_t, 4> packed) {
  for (std::size_t j = 0; j < 32; ++j) {
    packed[j / 8] = static_cast<std::uint8_t>(packed[j / 8] | (((codes[j] >> 4) & 1U) << (j % 8)));
  }
}

inline void unpack_fifth_bits(std::span<const std::uint8_t, 4> packed,
                              std::span<std::uint8_t, 32> codes) {
  for (std::size_t j = 0; j < 32; ++j) {
    const unsigned bit = (static_cast<unsigned>(packed[j / 8]) >> (j % 8)) & 1U;
    codes[j] = static_cast<std::uint8_t>(codes[j] | (bit << 4));
  }
}

}  // namespace pajamas
