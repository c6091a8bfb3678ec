// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/row_chunk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "codecs/iq4/iq4_nl.h"
#include "codecs/iq4/iq4_xs.h"
#include "codecs/k_quants/q2_k.h"
#include "codecs/k_quants/q3_k.h"
#include "codecs/k_quants/q4_k.h"
#include "codecs/k_quants/q5_k.h"
#include "codecs/k_quants/q6_k.h"
#include "codecs/legacy/q4_0.h"
#include "codecs/legacy/q4_1.h"
#include "codecs/legacy/q5_0.h"
#include "codecs/legacy/q5_1.h"
#include "codecs/legacy/q8_0.h"
#include "codecs/mxfp4/mxfp4.h"
#include "codecs/nibbles.h"
#include "codecs/ternary/tq1_0.h"
#include "codecs/ternary/tq2_0.h"

namespace pajamas {
namespace {

using Byte = std::uint8_t;

// Types of 32 columns to a block: nibbles, perhaps fifth bits; a scale, perhaps a minimum.
template <typename Block>
void split_small(const std::byte* stored, int n_blocks, RowChunk& chunk) {
  for (int index = 0; index < n_blocks; ++index) {
    Block block;
    std::memcpy(&block, stored + static_cast<std::size_t>(index) * sizeof(Block), sizeof(Block));
    const std::span<Byte, 32> codes(chunk.codes + 32 * index, 32);
    if constexpr (requires { block.codes; }) {
      // Codes are signed; packed ones are 128 more.
      for (std::size_t i = 0; i < 32; ++i) {
        codes[i] = static_cast<Byte>(static_cast<Byte>(block.codes[i]) ^ 0x80U);
      }
    } else {
      unpack_nibbles(block.nibbles, codes);
    }
    if constexpr (requires { block.fifth_bits; }) unpack_fifth_bits(block.fifth_bits, codes);
    if constexpr (requires { block.scale_f16; }) chunk.halves[index] = block.scale_f16;
    if constexpr (requires { block.min_f16; }) chunk.halves[n_blocks + index] = block.min_f16;
    if constexpr (requires { block.exponent; }) chunk.bytes[index] = block.exponent;
  }
}

template <typename Block>
void join_small(const RowChunk& chunk, int n_blocks, std::byte* stored) {
  for (int index = 0; index < n_blocks; ++index) {
    Block block{};
    const std::span<const Byte, 32> codes(chunk.codes + 32 * index, 32);
    if constexpr (requires { block.codes; }) {
      for (std::size_t i = 0; i < 32; ++i) {
        block.codes[i] = static_cast<std::int8_t>(static_cast<Byte>(codes[i] ^ 0x80U));
      }
    } else {
      pack_nibbles(codes, block.nibbles);
    }
    if constexpr (requires { block.fifth_bits; }) pack_fifth_bits(codes, block.fifth_bits);
    if constexpr (requires { block.scale_f16; }) block.scale_f16 = chunk.halves[index];
    if constexpr (requires { block.min_f16; }) block.min_f16 = chunk.halves[n_blocks + index];
    if constexpr (requires { block.exponent; }) block.exponent = chunk.bytes[index];
    std::memcpy(stored + static_cast<std::size_t>(index) * sizeof(Block), &block, sizeof(Block));
  }
}

// Bits of all codes of a super block, as the K types and TQ2_0 store them. __restrict lets the
// compiler use vectors, which halves the time to load a model.
void split_pairs(const Byte* packed, int shift, Byte* __restrict codes) {
  for (int half = 0; half < 2; ++half) {
    for (int n = 0; n < 4; ++n) {
      for (int m = 0; m < 32; ++m) {
        Byte& code = codes[128 * half + 32 * n + m];
        code = static_cast<Byte>(code | (((packed[32 * half + m] >> (2 * n)) & 3) << shift));
      }
    }
  }
}
void join_pairs(const Byte* codes, int shift, Byte* packed) {
  for (int half = 0; half < 2; ++half) {
    for (int n = 0; n < 4; ++n) {
      for (int m = 0; m < 32; ++m) {
        Byte& byte = packed[32 * half + m];
        const int pair = (codes[128 * half + 32 * n + m] >> shift) & 3;
        byte = static_cast<Byte>(byte | (pair << (2 * n)));
      }
    }
  }
}

void split_bits(const Byte* packed, int shift, Byte* __restrict codes) {
  for (int n = 0; n < 8; ++n) {
    for (int m = 0; m < 32; ++m) {
      Byte& code = codes[32 * n + m];
      code = static_cast<Byte>(code | (((packed[m] >> n) & 1) << shift));
    }
  }
}
void join_bits(const Byte* codes, int shift, Byte* packed) {
  for (int n = 0; n < 8; ++n) {
    for (int m = 0; m < 32; ++m) {
      packed[m] = static_cast<Byte>(packed[m] | (((codes[32 * n + m] >> shift) & 1) << n));
    }
  }
}

// Nibbles in runs of `run` bytes: low halves, then high halves.
template <int kRun>
void split_nibbles(const Byte* packed, Byte* __restrict codes) {
  for (int byte = 0; byte < kChunkCols / 2; byte += kRun) {
    for (int m = 0; m < kRun; ++m) {
      codes[2 * byte + m] = packed[byte + m] & 0xf;
      codes[2 * byte + kRun + m] = static_cast<Byte>(packed[byte + m] >> 4);
    }
  }
}
void join_nibbles(const Byte* codes, int run, Byte* packed) {
  for (int byte = 0; byte < kChunkCols / 2; byte += run) {
    for (int m = 0; m < run; ++m) {
      packed[byte + m] =
          static_cast<Byte>((codes[2 * byte + m] & 0xf) | ((codes[2 * byte + run + m] & 0xf) << 4));
    }
  }
}

template <typename Block>
Block load_block(const std::byte* stored) {
  Block block;
  std::memcpy(&block, stored, sizeof(block));
  return block;
}

// Q4_K and Q5_K.
template <typename Block>
void split_affine(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<Block>(stored);
  split_nibbles<32>(block.nibbles, chunk.codes);
  if constexpr (requires { block.fifth_bits; }) split_bits(block.fifth_bits, 4, chunk.codes);
  chunk.halves[0] = block.scale_f16;
  chunk.halves[1] = block.offset_f16;
  std::ranges::copy(block.scales_and_offsets, chunk.bytes);
}
template <typename Block>
void join_affine(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  Block block{};
  join_nibbles(chunk.codes, 32, block.nibbles);
  if constexpr (requires { block.fifth_bits; }) join_bits(chunk.codes, 4, block.fifth_bits);
  block.scale_f16 = chunk.halves[0];
  block.offset_f16 = chunk.halves[1];
  std::copy_n(chunk.bytes, std::size(block.scales_and_offsets), block.scales_and_offsets);
  std::memcpy(stored, &block, sizeof(block));
}

void split_q6_k(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<Q6_KBlock>(stored);
  split_nibbles<64>(block.low_bits, chunk.codes);
  split_pairs(block.high_bits, 4, chunk.codes);
  chunk.halves[0] = block.scale_f16;
  std::memcpy(chunk.bytes, block.scales, sizeof(block.scales));
}
void join_q6_k(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  Q6_KBlock block{};
  join_nibbles(chunk.codes, 64, block.low_bits);
  join_pairs(chunk.codes, 4, block.high_bits);
  block.scale_f16 = chunk.halves[0];
  std::memcpy(block.scales, chunk.bytes, sizeof(block.scales));
  std::memcpy(stored, &block, sizeof(block));
}

void split_q3_k(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<Q3_KBlock>(stored);
  std::ranges::fill(chunk.codes, Byte{0});
  split_pairs(block.low_bits, 0, chunk.codes);
  split_bits(block.high_bits, 2, chunk.codes);
  chunk.halves[0] = block.scale_f16;
  std::ranges::copy(block.scales, chunk.bytes);
}
void join_q3_k(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  Q3_KBlock block{};
  join_pairs(chunk.codes, 0, block.low_bits);
  join_bits(chunk.codes, 2, block.high_bits);
  block.scale_f16 = chunk.halves[0];
  std::copy_n(chunk.bytes, std::size(block.scales), block.scales);
  std::memcpy(stored, &block, sizeof(block));
}

void split_q2_k(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<Q2_KBlock>(stored);
  std::ranges::fill(chunk.codes, Byte{0});
  split_pairs(block.codes, 0, chunk.codes);
  chunk.halves[0] = block.scale_f16;
  chunk.halves[1] = block.offset_f16;
  std::ranges::copy(block.scales_and_offsets, chunk.bytes);
}
void join_q2_k(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  Q2_KBlock block{};
  join_pairs(chunk.codes, 0, block.codes);
  block.scale_f16 = chunk.halves[0];
  block.offset_f16 = chunk.halves[1];
  std::ranges::copy(chunk.bytes, block.scales_and_offsets);
  std::memcpy(stored, &block, sizeof(block));
}

void split_iq4_xs(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<IQ4_XSBlock>(stored);
  split_nibbles<16>(block.nibbles, chunk.codes);
  chunk.halves[0] = block.scale_f16;
  chunk.halves[1] = block.scales_high;
  std::ranges::copy(block.scales_low, chunk.bytes);
}
void join_iq4_xs(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  IQ4_XSBlock block{};
  join_nibbles(chunk.codes, 16, block.nibbles);
  block.scale_f16 = chunk.halves[0];
  block.scales_high = chunk.halves[1];
  std::copy_n(chunk.bytes, std::size(block.scales_low), block.scales_low);
  std::memcpy(stored, &block, sizeof(block));
}

void split_tq2_0(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<TQ2_0Block>(stored);
  std::ranges::fill(chunk.codes, Byte{0});
  split_pairs(block.codes, 0, chunk.codes);
  chunk.halves[0] = block.scale_f16;
}
void join_tq2_0(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  TQ2_0Block block{};
  join_pairs(chunk.codes, 0, block.codes);
  block.scale_f16 = chunk.halves[0];
  std::memcpy(stored, &block, sizeof(block));
}

// `bytes` bytes whose digits are `bytes` columns apart, first digit most significant.
void split_trits(const Byte* packed, int bytes, int digits, Byte* codes) {
  for (int m = 0; m < bytes; ++m) {
    unsigned fraction = packed[m];
    for (int digit = 0; digit < digits; ++digit) {
      codes[digit * bytes + m] = static_cast<Byte>((fraction * 3) >> 8);
      fraction = (fraction * 3) & 0xff;
    }
  }
}
void join_trits(const Byte* codes, int bytes, int digits, Byte* packed) {
  for (int m = 0; m < bytes; ++m) {
    unsigned number = 0;
    for (int digit = 0; digit < 5; ++digit) {
      number = 3 * number + (digit < digits ? codes[digit * bytes + m] : 0U);
    }
    packed[m] = static_cast<Byte>((number * 256 + 242) / 243);
  }
}

void split_tq1_0(const std::byte* stored, int /*n_blocks*/, RowChunk& chunk) {
  const auto block = load_block<TQ1_0Block>(stored);
  split_trits(block.fives, 32, 5, chunk.codes);
  split_trits(block.fives + 32, 16, 5, chunk.codes + 160);
  split_trits(block.fours, 4, 4, chunk.codes + 240);
  chunk.halves[0] = block.scale_f16;
}
void join_tq1_0(const RowChunk& chunk, int /*n_blocks*/, std::byte* stored) {
  TQ1_0Block block{};
  join_trits(chunk.codes, 32, 5, block.fives);
  join_trits(chunk.codes + 160, 16, 5, block.fives + 32);
  join_trits(chunk.codes + 240, 4, 4, block.fours);
  block.scale_f16 = chunk.halves[0];
  std::memcpy(stored, &block, sizeof(block));
}

constexpr std::array kPackedTypes = {
    PackedType{DType::kQ4_0, kNibbleForm, split_small<Q4_0Block>, join_small<Q4_0Block>},
    PackedType{DType::kQ4_1, kNibbleMinForm, split_small<Q4_1Block>, join_small<Q4_1Block>},
    PackedType{DType::kQ5_0, kFiveBitForm, split_small<Q5_0Block>, join_small<Q5_0Block>},
    PackedType{DType::kQ5_1, kFiveBitMinForm, split_small<Q5_1Block>, join_small<Q5_1Block>},
    PackedType{DType::kQ8_0, kByteForm, split_small<Q8_0Block>, join_small<Q8_0Block>},
    PackedType{DType::kIQ4_NL, kNibbleForm, split_small<IQ4_NLBlock>, join_small<IQ4_NLBlock>},
    PackedType{DType::kMXFP4, kMXFP4Form, split_small<MXFP4Block>, join_small<MXFP4Block>},
    PackedType{DType::kQ2_K, kQ2_KForm, split_q2_k, join_q2_k},
    PackedType{DType::kQ3_K, kQ3_KForm, split_q3_k, join_q3_k},
    PackedType{DType::kQ4_K, kQ4_KForm, split_affine<Q4_KBlock>, join_affine<Q4_KBlock>},
    PackedType{DType::kQ5_K, kQ5_KForm, split_affine<Q5_KBlock>, join_affine<Q5_KBlock>},
    PackedType{DType::kQ6_K, kQ6_KForm, split_q6_k, join_q6_k},
    PackedType{DType::kIQ4_XS, kIQ4_XSForm, split_iq4_xs, join_iq4_xs},
    PackedType{DType::kTQ1_0, kTQ1_0Form, split_tq1_0, join_tq1_0},
    PackedType{DType::kTQ2_0, kTQ2_0Form, split_tq2_0, join_tq2_0},
};

}  // namespace

const PackedType* find_packed_type(DType dtype) {
  const auto found = std::ranges::find(kPackedTypes, dtype, &PackedType::dtype);
  return found == kPackedTypes.end() ? nullptr : &*found;
}

}  // namespace pajamas
