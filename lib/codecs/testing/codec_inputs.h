// SPDX-License-Identifier: Apache-2.0
// Rows for comparing encoders: a seeded stream of varied random rows and a list of hostile ones.
//
// tests/golden/make_codec_golden.py makes the same floats, bit for bit, so a golden file needs to
// hold hashes alone. Everything is integer arithmetic or a float operation with one exact or
// correctly rounded result. Change both together and make the golden files anew.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pajamas::testing {

// SplitMix64 at position `index` of the stream of `seed`.
constexpr std::uint64_t random_u64(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// Sum of four 16-bit numbers around 0: close to normal, standard deviation 37837.
constexpr std::int64_t bell(std::uint64_t u) {
  return static_cast<std::int64_t>((u & 0xffffU) + ((u >> 16) & 0xffffU) + ((u >> 32) & 0xffffU) +
                                   (u >> 48)) -
         131070;
}

inline constexpr std::size_t kRandomCols = 1024;
inline constexpr std::size_t kRowKinds = 14;
inline constexpr std::size_t kImportanceKinds = 4;

// One element of a row of that kind; all finite.
inline float random_element(std::size_t kind, std::uint64_t u, std::size_t row) {
  const std::int64_t n = bell(u);
  const auto f = static_cast<float>(n);
  const auto low = static_cast<std::uint32_t>(u);
  switch (kind) {
    case 0:
      return f * 0x1p-15F;  // unit normal
    case 1:
      return f * 0x1p-21F;  // a usual weight
    case 2:
      return std::ldexp(f, -static_cast<int>(row % 41));  // any usual magnitude
    case 3:
      return static_cast<float>(n * n * n) * 0x1p-50F;  // heavy tails
    case 4:                                             // mostly zeros of both signs
      if ((u >> 60) == 0) return f * 0x1p-15F;
      return ((u >> 59) & 1U) != 0 ? -0.0F : 0.0F;
    case 5:
      return -(std::fabs(f) + 1.0F) * 0x1p-15F;  // all negative
    case 6:
      return static_cast<float>(static_cast<int>((u >> 32) % 31) - 15) * 0.5F;  // ties
    case 7:                                                                     // any finite bits
      return std::bit_cast<float>((low & 0x7f800000U) == 0x7f800000U ? low & ~0x40000000U : low);
    case 8:
      return std::bit_cast<float>(low & 0x807fffffU);  // denormals
    case 9:                                            // near the largest float
      return std::bit_cast<float>((low & 0x807fffffU) |
                                  (((u >> 40) & 1U) != 0 ? 0x7f000000U : 0x7e000000U));
    case 10:
      return 1.0F + f * 0x1p-24F;  // all positive, far from 0
    case 11:
      return f * 0x1p-66F;  // around the limit below which groups are zero
    case 12:
      return f * 16.0F;  // scales around the top of F16
    default:
      return f * 0x1p-38F;  // scales that are denormal in F16
  }
}

inline std::vector<float> random_row(std::uint64_t seed, std::size_t row) {
  std::vector<float> values(kRandomCols);
  for (std::size_t col = 0; col < kRandomCols; ++col) {
    values[col] = random_element(row % kRowKinds, random_u64(seed, row * kRandomCols + col), row);
  }
  return values;
}

// Importance of the columns for that row: >= 0, of a kind that changes every kRowKinds rows.
inline std::vector<float> random_importance(std::uint64_t seed, std::size_t row, std::size_t cols) {
  std::vector<float> values(cols);
  const std::size_t round = row / kRowKinds;
  for (std::size_t col = 0; col < cols; ++col) {
    const std::uint64_t u = random_u64(~seed, row * kRandomCols + col);
    const float uniform = static_cast<float>(u >> 40) * 0x1p-20F;
    switch (round % kImportanceKinds) {
      case 0:
        values[col] = uniform;
        break;
      case 1:
        values[col] = (u & 3U) == 0 ? 0.0F : uniform;
        break;
      case 2:  // 2^-30 .. 2^30
        values[col] = std::bit_cast<float>(static_cast<std::uint32_t>((97 + u % 61) << 23) |
                                           static_cast<std::uint32_t>((u >> 8) & 0x7fffffU));
        break;
      default:
        values[col] = round / kImportanceKinds % 2 == 0 ? 0.0F : 1.0F;
        break;
    }
  }
  return values;
}

inline constexpr std::size_t kHostileCols = 256;

// A row by formula; a and b are float bits.
struct HostileRow {
  enum class Shape {
    kConstant,   // a
    kAlternate,  // a, -a, a, ..
    kSpike,      // a at element `at`, b elsewhere
    kGroup,      // a in elements 32 at .. 32 at + 31, b elsewhere
    kRamp,       // (i - at) * a
    kHalves,     // i % 16 + 1/2, times a, sign by i / 16
    kStairs,     // a / 2^(i % 48)
    kZeroSigns,  // 0, -0, 0, ..
  };
  Shape shape;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::size_t at = 0;
};

inline std::vector<HostileRow> hostile_rows() {
  using Shape = HostileRow::Shape;
  // 0, -0, 1, -1, 0.1, -0.1, largest F16 and the first float above that rounds to infinity, the
  // limit of a zero group from both sides, largest, smallest normal, smallest and largest denormal,
  // one unit below 2, 8 and 2^100.
  constexpr std::array<std::uint32_t, 20> kValues = {
      0x00000000U, 0x80000000U, 0x3f800000U, 0xbf800000U, 0x3dcccccdU, 0xbdcccccdU, 0x477fe000U,
      0x477ff000U, 0x26901d7dU, 0x26901d7cU, 0xa6901d7dU, 0x7f7fffffU, 0xff7fffffU, 0x00800000U,
      0x00000001U, 0x807fffffU, 0x3fffffffU, 0x40ffffffU, 0x717fffffU, 0x42fe0000U};
  std::vector<HostileRow> rows;
  for (const std::uint32_t value : kValues) {
    rows.push_back({Shape::kConstant, value});
    rows.push_back({Shape::kAlternate, value});
    for (const std::size_t at : {0U, 100U, 255U}) {
      rows.push_back({Shape::kSpike, value, 0, at});
      rows.push_back({Shape::kSpike, value, 0x3a83126fU, at});  // among 0.001
    }
    rows.push_back({Shape::kGroup, value, 0, 3});
    rows.push_back({Shape::kGroup, 0xbf800000U, value, 7});
    rows.push_back({Shape::kStairs, value});
  }
  for (const std::uint32_t step : {0x3f800000U, 0x3d800000U, 0xbe000000U, 0x3dcccccdU}) {
    rows.push_back({Shape::kRamp, step, 0, 0});
    rows.push_back({Shape::kRamp, step, 0, 128});
    rows.push_back({Shape::kRamp, step, 0, 255});
    rows.push_back({Shape::kHalves, step});
  }
  rows.push_back({Shape::kZeroSigns});
  return rows;
}

inline float hostile_element(const HostileRow& row, std::size_t i) {
  using Shape = HostileRow::Shape;
  const auto a = std::bit_cast<float>(row.a);
  const auto b = std::bit_cast<float>(row.b);
  switch (row.shape) {
    case Shape::kConstant:
      return a;
    case Shape::kAlternate:
      return i % 2 == 0 ? a : -a;
    case Shape::kSpike:
      return i == row.at ? a : b;
    case Shape::kGroup:
      return i / 32 == row.at ? a : b;
    case Shape::kRamp:
      return static_cast<float>(static_cast<int>(i) - static_cast<int>(row.at)) * a;
    case Shape::kHalves: {
      const float value = (static_cast<float>(i % 16) + 0.5F) * a;
      return i / 16 % 2 == 0 ? value : -value;
    }
    case Shape::kStairs:
      return a / static_cast<float>(std::uint64_t{1} << (i % 48));
    case Shape::kZeroSigns:
      return i % 2 == 0 ? 0.0F : -0.0F;
  }
  return 0.0F;
}

inline std::vector<float> hostile_values(const HostileRow& row) {
  std::vector<float> values(kHostileCols);
  for (std::size_t i = 0; i < kHostileCols; ++i) values[i] = hostile_element(row, i);
  return values;
}

// Any bytes, for decoders.
inline std::vector<std::byte> random_bytes(std::uint64_t seed, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::byte>((random_u64(seed, i / 8) >> (8 * (i % 8))) & 0xffU);
  }
  return bytes;
}

// Which NaN an operation gives is not part of any format: all become one.
inline void unify_nans(std::span<float> values) {
  for (float& value : values) {
    if (std::isnan(value)) value = std::bit_cast<float>(0x7fc00000U);
  }
}

}  // namespace pajamas::testing
