// SPDX-License-Identifier: Apache-2.0
// F16 and BF16 to F32 and back, bit for bit as tensor/half.h, and the search for NaN and infinity.
// A remainder of fewer than kLanes elements goes through a padded vector on the stack.

PJ_VEC F bf16_to_float(I halves) { return from_bits(shift_left<16>(halves)); }

PJ_VEC F f16_to_float(I halves) { return from_f16_bits(halves); }

PJ_VEC I float_to_bf16(F value) {
  const I bits = bits_of(value);
  const I high = shift_right<16>(bits);
  const I rounded = shift_right<16>(bits + all<I>(0x7fff) + (high & all<I>(1)));
  const M nan = (bits & all<I>(0x7fffffff)) > all<I>(0x7f800000);
  return select(nan, high | all<I>(64), rounded);
}

PJ_VEC I float_to_f16(F value) {
  const I bits = bits_of(value);
  const M nan = (bits & all<I>(0x7fffffff)) > all<I>(0x7f800000);
  const I quiet = (shift_right<16>(bits) & all<I>(0x8000)) | all<I>(0x7e00);
  return select(nan, quiet, to_f16_bits(value));
}

template <F (*kWiden)(I)>
void decode_halves(const std::byte* in, std::int64_t n_rows, std::int64_t n_per_row, float* rows) {
  const std::int64_t n = n_rows * n_per_row;
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) store(rows + at, kWiden(load_halves(in + 2 * at)));
  if (at == n) return;
  std::uint16_t halves[kLanes] = {};
  float values[kLanes];
  const auto rest = static_cast<std::size_t>(n - at);
  __builtin_memcpy(halves, in + 2 * at, rest * 2);
  store(values, kWiden(load_halves(halves)));
  __builtin_memcpy(rows + at, values, rest * 4);
}

template <I (*kNarrow)(F)>
void encode_halves(const float* rows, std::int64_t n_rows, std::int64_t n_per_row, const float*,
                   std::byte* out) {
  const std::int64_t n = n_rows * n_per_row;
  std::int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) store_halves(out + 2 * at, kNarrow(load(rows + at)));
  if (at == n) return;
  float values[kLanes] = {};
  std::uint16_t halves[kLanes];
  const auto rest = static_cast<std::size_t>(n - at);
  __builtin_memcpy(values, rows + at, rest * 4);
  store_halves(halves, kNarrow(load(values)));
  __builtin_memcpy(out + 2 * at, halves, rest * 2);
}

PJ_VEC M is_non_finite(F value) {
  const I exponent = all<I>(0x7f800000);
  return (bits_of(value) & exponent) == exponent;
}

std::int64_t find_non_finite_lanes(const float* values, std::int64_t n) {
  std::int64_t at = 0;
  for (; at + 4 * kLanes <= n; at += 4 * kLanes) {
    const float* const p = values + at;
    const M first = is_non_finite(load(p)) | is_non_finite(load(p + kLanes));
    const M second = is_non_finite(load(p + 2 * kLanes)) | is_non_finite(load(p + 3 * kLanes));
    if (any(first | second)) break;
  }
  for (; at < n; ++at) {
    std::uint32_t bits = 0;
    __builtin_memcpy(&bits, values + at, sizeof(bits));
    if ((bits & 0x7f800000U) == 0x7f800000U) return at;
  }
  return -1;
}
