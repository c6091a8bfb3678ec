// SPDX-License-Identifier: Apache-2.0
#include "codecs/ternary/tq1_0.h"

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/ternary/ternary_code.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 256;

// A run of bytes whose digits are `stride` elements apart.
struct Part {
  std::size_t first_elem;
  std::size_t stride;
  std::size_t digits;
};
constexpr Part kFirst{0, 32, 5};
constexpr Part kSecond{160, 16, 5};
constexpr Part kLast{240, 4, 4};

void encode_part(const Part& part, Elems<kElems> x, float inverse, std::span<std::uint8_t> packed) {
  for (std::size_t byte = 0; byte < part.stride; ++byte) {
    unsigned number = 0;
    for (std::size_t digit = 0; digit < 5; ++digit) {
      number *= 3;
      if (digit >= part.digits) continue;
      number += ternary_code(x[part.first_elem + byte + digit * part.stride] * inverse);
    }
    packed[byte] = static_cast<std::uint8_t>((number * 256U + 242U) / 243U);
  }
}

void decode_part(const Part& part, std::span<const std::uint8_t> packed, float scale,
                 std::span<float, kElems> x) {
  for (std::size_t byte = 0; byte < part.stride; ++byte) {
    unsigned fraction = packed[byte];
    for (std::size_t digit = 0; digit < part.digits; ++digit) {
      const int trit = static_cast<int>((fraction * 3U) >> 8);
      x[part.first_elem + byte + digit * part.stride] = static_cast<float>(trit - 1) * scale;
      fraction = (fraction * 3U) & 0xffU;
    }
  }
}

void encode_tq1_0(std::span<const float> row, std::span<const float> importance,
                  std::span<std::byte> out) {
  encode_blocks<TQ1_0Block, kElems>(row, importance, out,
                                    [](Elems<kElems> x, std::span<const float>) {
                                      const float scale = find_block_peak(x).magnitude;
                                      const float inverse = inverse_or_zero(scale);
                                      TQ1_0Block block{};
                                      const std::span fives(block.fives);
                                      encode_part(kFirst, x, inverse, fives.first<32>());
                                      encode_part(kSecond, x, inverse, fives.last<16>());
                                      encode_part(kLast, x, inverse, block.fours);
                                      block.scale_f16 = f32_to_f16(scale);
                                      return block;
                                    });
}

void decode_tq1_0(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<TQ1_0Block, kElems>(in, row,
                                    [](const TQ1_0Block& block, std::span<float, kElems> x) {
                                      const float scale = f16_to_f32(block.scale_f16);
                                      const std::span fives(block.fives);
                                      decode_part(kFirst, fives.first<32>(), scale, x);
                                      decode_part(kSecond, fives.last<16>(), scale, x);
                                      decode_part(kLast, block.fours, scale, x);
                                    });
}

}  // namespace

// A unit normal is not what ternary storage is for: nearly everything becomes 0.
constexpr Codec kTQ1_0Codec{.dtype = DType::kTQ1_0,
                            .encode_row = encode_tq1_0,
                            .decode_row = decode_tq1_0,
                            .uses_importance = false,
                            .max_rmse_on_unit_normal = 0.8F};

}  // namespace pajamas
