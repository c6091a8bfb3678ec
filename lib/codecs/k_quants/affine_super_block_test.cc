// SPDX-License-Identifier: Apache-2.0
#include "codecs/k_quants/affine_super_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

TEST(AffineSuperBlock, PackedFieldsHaveTheLayoutOfTheFormat) {
  const ScalesAndOffsets fields{.scales = {1, 2, 3, 63, 0x25, 0x16, 0x07, 0x38},
                                .offsets = {4, 5, 6, 62, 0x1a, 0x2b, 0x3c, 0x0d}};
  std::array<std::uint8_t, 12> packed{};
  pack_scales_and_offsets(fields, packed);
  EXPECT_THAT(packed, ::testing::ElementsAre(0x81, 0x42, 0x03, 0xff, 0x44, 0x85, 0xc6, 0x3e, 0xa5,
                                             0xb6, 0xc7, 0xd8));
}

TEST(AffineSuperBlock, EveryFieldValueComesBackFromEveryPlace) {
  for (std::size_t group = 0; group < 8; ++group) {
    for (unsigned value = 0; value < 64; ++value) {
      ScalesAndOffsets fields{};
      fields.scales[group] = static_cast<std::uint8_t>(value);
      fields.offsets[7 - group] = static_cast<std::uint8_t>(63 - value);
      std::array<std::uint8_t, 12> packed{};
      pack_scales_and_offsets(fields, packed);
      const ScalesAndOffsets back = unpack_scales_and_offsets(packed);
      ASSERT_EQ(back.scales, fields.scales);
      ASSERT_EQ(back.offsets, fields.offsets);
    }
  }
}

}  // namespace
}  // namespace pajamas
