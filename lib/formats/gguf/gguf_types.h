// SPDX-License-Identifier: Apache-2.0
// The numbers that stand in GGUF files: types of values and types of tensors.
// Do not change any of them: persisted. Format: docs/formats/gguf.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "tensor/dtype.h"

namespace pajamas {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr std::uint32_t kGgufVersion = 3;
inline constexpr std::uint32_t kGgufDefaultAlignment = 32;
inline constexpr std::string_view kGgufAlignmentKey = "general.alignment";

// What readers, ours and others, hold to.
inline constexpr std::size_t kGgufMaxNameBytes = 63;  // ggml keeps 64 with the final zero
inline constexpr std::size_t kGgufMaxDims = 4;
inline constexpr std::uint64_t kGgufMaxKeyBytes = 65535;
inline constexpr std::uint64_t kGgufMaxStringBytes = std::uint64_t{16} << 20;
inline constexpr std::uint64_t kGgufMaxArrayElems = std::uint64_t{64} << 20;
inline constexpr std::uint64_t kGgufMaxTensors = 1'000'000;
// Real files have under a hundred keys; metadata is searched linearly.
inline constexpr std::uint64_t kGgufMaxKeys = 4096;
inline constexpr std::uint32_t kGgufMinAlignment = 8;
inline constexpr std::uint32_t kGgufMaxAlignment = 65536;

constexpr bool is_gguf_alignment(std::uint64_t value) {
  return value >= kGgufMinAlignment && value <= kGgufMaxAlignment && (value & (value - 1)) == 0;
}

// X(number, name, C++ type). 9 is an array of one of the others.
#define PJ_GGUF_VALUE_TYPES(X) \
  X(0, "u8", std::uint8_t)     \
  X(1, "i8", std::int8_t)      \
  X(2, "u16", std::uint16_t)   \
  X(3, "i16", std::int16_t)    \
  X(4, "u32", std::uint32_t)   \
  X(5, "i32", std::int32_t)    \
  X(6, "f32", float)           \
  X(7, "bool", bool)           \
  X(8, "string", std::string)  \
  X(10, "u64", std::uint64_t)  \
  X(11, "i64", std::int64_t)   \
  X(12, "f64", double)
inline constexpr std::uint32_t kGgufArrayType = 9;

// A type of tensors. `dtype` is empty for those this program does not read.
struct GgmlType {
  std::uint32_t id;
  std::string_view name;
  std::optional<DType> dtype;
  bool is_removed = false;
};

// nullptr for a number that ggml never used.
const GgmlType* find_any_ggml_type(std::uint32_t id);
// Nothing for types that GGUF has no number for (f8_e4m3, bool, ...).
std::optional<std::uint32_t> find_ggml_type_id(DType dtype);

}  // namespace pajamas
