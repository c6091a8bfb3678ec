// SPDX-License-Identifier: Apache-2.0
// What every machine has: decoders of the float types that have no codec, plain copies for F32, and
// the search for NaN and infinity.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_parts.h"
#include "tensor/half.h"

namespace pajamas::generic {
namespace {

// All values of an 8-bit float type.
template <float (*kToF32)(std::uint8_t)>
constexpr std::array<std::uint32_t, 256> value_bits() {
  std::array<std::uint32_t, 256> bits{};
  for (unsigned i = 0; i < 256; ++i) {
    bits[i] = std::bit_cast<std::uint32_t>(kToF32(static_cast<std::uint8_t>(i)));
  }
  return bits;
}

template <float (*kToF32)(std::uint8_t)>
void decode_fp8(const std::byte* in, std::int64_t n_rows, std::int64_t n_per_row, float* rows) {
  static constexpr std::array<std::uint32_t, 256> kBits = value_bits<kToF32>();
  const std::int64_t n = n_rows * n_per_row;
  for (std::int64_t i = 0; i < n; ++i) {
    std::memcpy(rows + i, &kBits[std::to_integer<std::size_t>(in[i])], sizeof(float));
  }
}

void decode_f64(const std::byte* in, std::int64_t n_rows, std::int64_t n_per_row, float* rows) {
  const std::int64_t n = n_rows * n_per_row;
  for (std::int64_t i = 0; i < n; ++i) {
    double value = 0.0;
    std::memcpy(&value, in + static_cast<std::size_t>(i) * sizeof(value), sizeof(value));
    rows[i] = static_cast<float>(value);
  }
}

void decode_f32(const std::byte* in, std::int64_t n_rows, std::int64_t n_per_row, float* rows) {
  std::memcpy(rows, in, static_cast<std::size_t>(n_rows * n_per_row) * sizeof(float));
}

void encode_f32(const float* rows, std::int64_t n_rows, std::int64_t n_per_row, const float*,
                std::byte* out) {
  std::memcpy(out, rows, static_cast<std::size_t>(n_rows * n_per_row) * sizeof(float));
}

std::int64_t find_non_finite_each(const float* values, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if ((std::bit_cast<std::uint32_t>(values[i]) & 0x7f800000U) == 0x7f800000U) return i;
  }
  return -1;
}

}  // namespace

void add_floats(KernelTable& table) {
  set_encoder(table, DType::kF32, encode_f32);
  set_decoder(table, DType::kF32, decode_f32);
  set_decoder(table, DType::kF64, decode_f64);
  set_decoder(table, DType::kF8E4M3, decode_fp8<f8_e4m3_to_f32>);
  set_decoder(table, DType::kF8E5M2, decode_fp8<f8_e5m2_to_f32>);
  table.find_non_finite = find_non_finite_each;
}

}  // namespace pajamas::generic
