// SPDX-License-Identifier: Apache-2.0
// Codes of 2 to 8 bits as one little-endian bit stream: code i is bits [i * bits, (i + 1) * bits),
// bit 0 the lowest of byte 0. Eight codes are exactly `bits` bytes, so they go through one word.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace pajamas {

// The number of codes is a multiple of 8, of bytes codes.size() * bits / 8.
template <int kBits>
void pack_codes(std::span<const std::uint8_t> codes, std::byte* out) {
  static_assert(std::endian::native == std::endian::little);
  for (std::size_t first = 0; first < codes.size(); first += 8) {
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      word |= static_cast<std::uint64_t>(codes[first + k]) << (k * kBits);
    }
    std::memcpy(out, &word, kBits);
    out += kBits;
  }
}

template <int kBits>
void unpack_codes(const std::byte* in, std::span<std::uint8_t> codes) {
  constexpr std::uint64_t kMask = (1U << kBits) - 1U;
  for (std::size_t first = 0; first < codes.size(); first += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, in, kBits);
    for (std::size_t k = 0; k < 8; ++k) {
      codes[first + k] = static_cast<std::uint8_t>((word >> (k * kBits)) & kMask);
    }
    in += kBits;
  }
}

// Calls work<bits>() for a width that MLX has; anything else is not called at all.
template <typename Work>
void with_bits(int bits, const Work& work) {
  switch (bits) {
    case 2:
      return work.template operator()<2>();
    case 3:
      return work.template operator()<3>();
    case 4:
      return work.template operator()<4>();
    case 5:
      return work.template operator()<5>();
    case 6:
      return work.template operator()<6>();
    case 8:
      return work.template operator()<8>();
    default:
      return;
  }
}

}  // namespace pajamas
