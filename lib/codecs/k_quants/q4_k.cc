// SPDX-License-Identifier: Apache-2.0
#include "codecs/k_quants/q4_k.h"

#include "codecs/block_rows.h"
#include "codecs/k_quants/affine_super_block.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr int kMaxCode = 15;
constexpr AffineTrials kTrials{
    .first = -1.0F, .step = 0.1F, .steps = 20, .norm = ErrorNorm::kSquared};

Q4_KBlock encode_block(Elems<kSuperElems> x, std::span<const float> importance) {
  const AffineSuperBlock encoded = encode_affine_super_block(x, importance, kMaxCode, kTrials);
  Q4_KBlock block{};
  block.scale_f16 = encoded.scale_f16;
  block.offset_f16 = encoded.offset_f16;
  pack_scales_and_offsets(encoded.fields, block.scales_and_offsets);
  pack_super_nibbles(encoded.codes, block.nibbles);
  return block;
}

void decode_block(const Q4_KBlock& block, std::span<float, kSuperElems> x) {
  const float scale = f16_to_f32(block.scale_f16);
  const float offset = f16_to_f32(block.offset_f16);
  const ScalesAndOffsets fields = unpack_scales_and_offsets(block.scales_and_offsets);
  for (std::size_t elem = 0; elem < kSuperElems; ++elem) {
    const std::size_t group = elem / 32;
    const float group_scale = scale * static_cast<float>(fields.scales[group]);
    const float group_offset = offset * static_cast<float>(fields.offsets[group]);
    const int code = super_nibble_of(block.nibbles, elem);
    x[elem] = group_scale * static_cast<float>(code) - group_offset;
  }
}

void encode_q4_k(std::span<const float> row, std::span<const float> importance,
                 std::span<std::byte> out) {
  encode_blocks<Q4_KBlock, kSuperElems>(row, importance, out, encode_block);
}

void decode_q4_k(std::span<const std::byte> in, std::span<float> row) {
  decode_blocks<Q4_KBlock, kSuperElems>(in, row, decode_block);
}

}  // namespace

constexpr Codec kQ4_KCodec{.dtype = DType::kQ4_K,
                           .encode_row = encode_q4_k,
                           .decode_row = decode_q4_k,
                           .uses_importance = true,
                           .max_rmse_on_unit_normal = 0.075F};

}  // namespace pajamas
