// SPDX-License-Identifier: Apache-2.0
// Every way an element, or a block of elements, is stored in a model file. This list names them
// and gives their sizes; how the block types are encoded is the business of the codecs layer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace pajamas {

// X(enumerator, name, elements in a block, bytes in a block). Names are the field's, lower case.
#define PJ_DTYPES(X)             \
  X(kF64, "f64", 1, 8)           \
  X(kF32, "f32", 1, 4)           \
  X(kF16, "f16", 1, 2)           \
  X(kBF16, "bf16", 1, 2)         \
  X(kF8E4M3, "f8_e4m3", 1, 1)    \
  X(kF8E5M2, "f8_e5m2", 1, 1)    \
  X(kI64, "i64", 1, 8)           \
  X(kI32, "i32", 1, 4)           \
  X(kI16, "i16", 1, 2)           \
  X(kI8, "i8", 1, 1)             \
  X(kU64, "u64", 1, 8)           \
  X(kU32, "u32", 1, 4)           \
  X(kU16, "u16", 1, 2)           \
  X(kU8, "u8", 1, 1)             \
  X(kBool, "bool", 1, 1)         \
  X(kQ4_0, "q4_0", 32, 18)       \
  X(kQ4_1, "q4_1", 32, 20)       \
  X(kQ5_0, "q5_0", 32, 22)       \
  X(kQ5_1, "q5_1", 32, 24)       \
  X(kQ8_0, "q8_0", 32, 34)       \
  X(kQ2_K, "q2_k", 256, 84)      \
  X(kQ3_K, "q3_k", 256, 110)     \
  X(kQ4_K, "q4_k", 256, 144)     \
  X(kQ5_K, "q5_k", 256, 176)     \
  X(kQ6_K, "q6_k", 256, 210)     \
  X(kIQ4_NL, "iq4_nl", 32, 18)   \
  X(kIQ4_XS, "iq4_xs", 256, 136) \
  X(kTQ1_0, "tq1_0", 256, 54)    \
  X(kTQ2_0, "tq2_0", 256, 66)    \
  X(kMXFP4, "mxfp4", 32, 17)

enum class DType : std::uint8_t {
#define PJ_ENUMERATOR(id, name, elems, bytes) id,
  PJ_DTYPES(PJ_ENUMERATOR)
#undef PJ_ENUMERATOR
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  std::int64_t block_elems;
  std::size_t block_bytes;
};

inline constexpr auto kDTypes = std::to_array<DTypeInfo>({
#define PJ_INFO(id, name, elems, bytes) {DType::id, name, elems, bytes},
  PJ_DTYPES(PJ_INFO)
#undef PJ_INFO
});
inline constexpr std::size_t kDTypeCount = kDTypes.size();

constexpr const DTypeInfo& dtype_info(DType dtype) {
  return kDTypes[static_cast<std::size_t>(dtype)];
}
constexpr std::string_view dtype_name(DType dtype) { return dtype_info(dtype).name; }
constexpr bool is_block_quantized(DType dtype) { return dtype_info(dtype).block_elems > 1; }
constexpr bool is_plain_float(DType dtype) {
  return dtype == DType::kF64 || dtype == DType::kF32 || dtype == DType::kF16 ||
         dtype == DType::kBF16 || dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2;
}

// Case-insensitive.
std::optional<DType> parse_dtype(std::string_view name);

// Bytes of `elems` elements in a row of this type. `elems` must be a multiple of the block.
constexpr std::uint64_t row_bytes(DType dtype, std::int64_t elems) {
  const DTypeInfo& info = dtype_info(dtype);
  return static_cast<std::uint64_t>(elems / info.block_elems) * info.block_bytes;
}

}  // namespace pajamas
