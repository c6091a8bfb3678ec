// SPDX-License-Identifier: Apache-2.0
// Arithmetic on sizes that come from files: overflow is a value, never wrap-around.
#pragma once

#include <concepts>
#include <optional>

namespace pajamas {

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) {
  T sum{};
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) {
  T product{};
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// value rounded up to a multiple of alignment (> 0), or nothing on overflow.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_align(T value, T alignment) {
  const std::optional<T> sum = checked_add<T>(value, alignment - 1);
  if (!sum) return std::nullopt;
  return *sum / alignment * alignment;
}

}  // namespace pajamas
