// SPDX-License-Identifier: Apache-2.0
#include "codecs/iq4/iq4_xs.h"

#include <array>

#include "codecs/block_peak.h"
#include "codecs/block_rows.h"
#include "codecs/error_weights.h"
#include "codecs/iq4/nonlinear_fit.h"
#include "codecs/nibbles.h"
#include "codecs/rounding.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::size_t kElems = 256;
constexpr std::size_t kGroups = 8;
constexpr std::size_t kGroupElems = 32;
constexpr std::size_t kGroupBytes = 16;
constexpr int kMaxScale = 32;  // group scales -32 .. 31, stored plus 32

std::array<float, kGroups> fit_groups(Elems<kElems> x, std::span<const float> importance) {
  std::array<float, kGroups> scales{};
  const float variance =
      importance.empty() ? 0.0F : sum_of_squares(x) * (2.0F / static_cast<float>(kElems));
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t first = group * kGroupElems;
    const auto elems = x.subspan(first, kGroupElems);
    std::array<float, kGroupElems> weights{};
    if (importance.empty()) {
      weigh_by_square(elems, weights);
    } else {
      weigh_by_importance(elems, importance.subspan(first, kGroupElems), variance, weights);
    }
    scales[group] = fit_iq4_scale(elems, weights);
  }
  return scales;
}

void store_group_scale(std::size_t group, int field, IQ4_XSBlock& block) {
  const unsigned low = static_cast<unsigned>(field) & 0xfU;
  const unsigned high = static_cast<unsigned>(field) >> 4;
  std::uint8_t& nibbles = block.scales_low[group / 2];
  nibbles = static_cast<std::uint8_t>(nibbles | (low << (group % 2 * 4)));
  block.scales_high = static_cast<std::uint16_t>(block.scales_high | (high << (2 * group)));
}

int load_group_scale(std::size_t group, const IQ4_XSBlock& block) {
  const int low = (block.scales_low[group / 2] >> (group % 2 * 4)) & 0xf;
  const int high = (block.scales_high >> (2 * group)) & 3;
  return (low | (high << 4)) - kMaxScale;
}

// Codes are rounded with the scale before it becomes F16.
IQ4_XSBlock encode_block(Elems<kElems> x, std::span<const float> importance) {
  const std::array<float, kGroups> scales = fit_groups(x, importance);
  const float unit = -find_block_peak(scales).value / static_cast<float>(kMaxScale);
  const float inverse = inverse_or_zero(unit);
  IQ4_XSBlock block{};
  block.scale_f16 = f32_to_f16(unit);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const int field = clamp_int(nearest_int(inverse * scales[group]), -kMaxScale, kMaxScale - 1);
    store_group_scale(group, field + kMaxScale, block);
    std::array<std::uint8_t, kGroupElems> codes{};
    round_to_iq4_levels(x.subspan(group * kGroupElems, kGroupElems),
                        inverse_or_zero(unit * static_cast<float>(field)), codes);
    pack_nibbles(codes, std::span(block.nibbles).subspan(group * kGroupBytes).first<kGroupBytes>());
  }
  return block;
}

void decode_block(const IQ4_XSBlock& block, std::span<float, kElems> x) {
  const float scale = f16_to_f32(block.scale_f16);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const float group_scale = scale * static_cast<float>(load_group_scale(group, block));
    std::array<std::uint8_t, kGroupElems> codes{};
    unpack_nibbles(std::span(block.nibbles).subspan(group * kGroupBytes).first<kGroupBytes>(),
                   codes);
    for (std::size_t i = 0; i < kGroupElems; ++i) {
      x[group * kGroupElems + i] = group_scale * static_cast<float>(kIQ4Levels[codes[i]]);
    }
  }
}

void encode_iq4_xs(std::span<const float> row, std::span<const float> importance,
                   std::span<std::byte> out) {
  encode_blocks<IQ4_XSBlock, kElems>(row, importance, out, encode_block);
}

void decode_iq4_xs(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<IQ4_XSBlock, kElems>(in, row, decode_block);
}

}  // namespace

constexpr Codec kIQ4_XSCodec{.dtype = DType::kIQ4_XS,
                             .encode_row = encode_iq4_xs,
                             .decode_row = decode_iq4_xs,
                             .uses_importance = true,
                             .max_rmse_on_unit_normal = 0.08F};

}  // namespace pajamas
