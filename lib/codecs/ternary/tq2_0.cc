// SPDX-License-Identifier: Apache-2.0
#include "codecs/ternary/tq2_0.h"

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/ternary/ternary_code.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 256;

// Where an element lies: its byte and the shift of its two bits.
constexpr std::size_t byte_of(std::size_t elem) { return elem / 128 * 32 + elem % 32; }
constexpr unsigned shift_of(std::size_t elem) { return 2 * static_cast<unsigned>(elem % 128 / 32); }

void encode_tq2_0(std::span<const float> row, std::span<const float> importance,
                  std::span<std::byte> out) {
  encode_blocks<TQ2_0Block, kElems>(
      row, importance, out, [](Elems<kElems> x, std::span<const float>) {
        const float scale = find_block_peak(x).magnitude;
        const float inverse = inverse_or_zero(scale);
        TQ2_0Block block{};
        for (std::size_t elem = 0; elem < kElems; ++elem) {
          std::uint8_t& byte = block.codes[byte_of(elem)];
          const unsigned code = ternary_code(x[elem] * inverse);
          byte = static_cast<std::uint8_t>(byte | (code << shift_of(elem)));
        }
        block.scale_f16 = f32_to_f16(scale);
        return block;
      });
}

void decode_tq2_0(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<TQ2_0Block, kElems>(
      in, row, [](const TQ2_0Block& block, std::span<float, kElems> x) {
        const float scale = f16_to_f32(block.scale_f16);
        for (std::size_t elem = 0; elem < kElems; ++elem) {
          const int code = (block.codes[byte_of(elem)] >> shift_of(elem)) & 3;
          x[elem] = static_cast<float>(code - 1) * scale;
        }
      });
}

}  // namespace

// A unit normal is not what ternary storage is for: nearly everything becomes 0.
constexpr Codec kTQ2_0Codec{.dtype = DType::kTQ2_0,
                            .encode_row = encode_tq2_0,
                            .decode_row = decode_tq2_0,
                            .uses_importance = false,
                            .max_rmse_on_unit_normal = 0.8F};

}  // namespace pajamas
