// SPDX-License-Identifier: Apache-2.0
// Q4_K and Q5_K up to the packing of codes: eight groups of 32, each with a 6-bit scale and a
// 6-bit offset, packed together into 12 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "codecs/block_rows.h"
#include "codecs/k_quants/super_block.h"
#include "codecs/scale_search.h"

namespace pajamas {

// The 6-bit fields of one super block.
struct ScalesAndOffsets {
  std::array<std::uint8_t, 8> scales;
  std::array<std::uint8_t, 8> offsets;
};

// Bytes: 0-3 the scales of groups 0-3, 4-7 the offsets of groups 0-3 (low 6 bits each);
// 8-11 low nibble scale, high nibble offset of groups 4-7, whose top 2 bits are the top 2 bits
// of bytes 0-3 (scales) and 4-7 (offsets).
void pack_scales_and_offsets(const ScalesAndOffsets& fields, std::span<std::uint8_t, 12> packed);
ScalesAndOffsets unpack_scales_and_offsets(std::span<const std::uint8_t, 12> packed);

struct AffineSuperBlock {
  std::uint16_t scale_f16;
  std::uint16_t offset_f16;
  ScalesAndOffsets fields;
  SuperCodes codes;
};

// nmax: the largest code. plain_trials apply without importance; with it the search is the same
// for both types.
AffineSuperBlock encode_affine_super_block(Elems<kSuperElems> x, std::span<const float> importance,
                                           int nmax, const AffineTrials& plain_trials);

}  // namespace pajamas
