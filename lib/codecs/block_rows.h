// SPDX-License-Identifier: Apache-2.0
// Rows as sequences of blocks: moves block structs between typed code and rows of bytes.
//
// A block struct has the exact bytes of the file (no padding, little endian), so one memcpy stores
// it wherever it lies; rows of bytes have no alignment. The caller sizes all spans.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/check.h"

namespace pajamas {

static_assert(std::endian::native == std::endian::little, "block structs are little endian");

template <std::size_t kElems>
using Elems = std::span<const float, kElems>;

// encode(Elems<kElems> x, std::span<const float> importance) -> Block; the importance is empty or
// as long as x.
template <typename Block, std::size_t kElems, typename EncodeBlock>
void encode_blocks(std::span<const float> row, std::span<const float> importance,
                   std::span<std::byte> out, EncodeBlock encode) {
  static_assert(std::is_trivially_copyable_v<Block>);
  static_assert(std::has_unique_object_representations_v<Block>);
  const std::size_t blocks = row.size() / kElems;
  PJ_CHECK(row.size() == blocks * kElems && out.size() == blocks * sizeof(Block));
  PJ_CHECK(importance.empty() || importance.size() == row.size());
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t first = block * kElems;
    const Block encoded =
        encode(row.subspan(first).template first<kElems>(),
               importance.empty() ? importance : importance.subspan(first, kElems));
    std::memcpy(out.data() + block * sizeof(Block), &encoded, sizeof(Block));
  }
}

// decode(const Block&, std::span<float, kElems> x)
template <typename Block, std::size_t kElems, typename DecodeBlock>
void decode_blocks(std::span<const std::byte> in, std::span<float> row, DecodeBlock decode) {
  static_assert(std::is_trivially_copyable_v<Block>);
  const std::size_t blocks = row.size() / kElems;
  PJ_CHECK(row.size() == blocks * kElems && in.size() == blocks * sizeof(Block));
  for (std::size_t block = 0; block < blocks; ++block) {
    Block encoded;
    std::memcpy(&encoded, in.data() + block * sizeof(Block), sizeof(Block));
    decode(encoded, row.subspan(block * kElems).template first<kElems>());
  }
}

}  // namespace pajamas
