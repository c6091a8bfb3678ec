// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_types.h"

#include <algorithm>

#include "base/check.h"
#include "formats/gguf/gguf_layout.h"

namespace pajamas {
namespace {

constexpr auto kGgmlTypes = std::to_array<GgmlType>({
    {0, "F32", DType::kF32},
    {1, "F16", DType::kF16},
    {2, "Q4_0", DType::kQ4_0},
    {3, "Q4_1", DType::kQ4_1},
    {4, "Q4_2", std::nullopt, true},
    {5, "Q4_3", std::nullopt, true},
    {6, "Q5_0", DType::kQ5_0},
    {7, "Q5_1", DType::kQ5_1},
    {8, "Q8_0", DType::kQ8_0},
    {9, "Q8_1", std::nullopt},
    {10, "Q2_K", DType::kQ2_K},
    {11, "Q3_K", DType::kQ3_K},
    {12, "Q4_K", DType::kQ4_K},
    {13, "Q5_K", DType::kQ5_K},
    {14, "Q6_K", DType::kQ6_K},
    {15, "Q8_K", std::nullopt},
    {16, "IQ2_XXS", std::nullopt},
    {17, "IQ2_XS", std::nullopt},
    {18, "IQ3_XXS", std::nullopt},
    {19, "IQ1_S", std::nullopt},
    {20, "IQ4_NL", DType::kIQ4_NL},
    {21, "IQ3_S", std::nullopt},
    {22, "IQ2_S", std::nullopt},
    {23, "IQ4_XS", DType::kIQ4_XS},
    {24, "I8", DType::kI8},
    {25, "I16", DType::kI16},
    {26, "I32", DType::kI32},
    {27, "I64", DType::kI64},
    {28, "F64", DType::kF64},
    {29, "IQ1_M", std::nullopt},
    {30, "BF16", DType::kBF16},
    {31, "Q4_0_4_4", std::nullopt, true},
    {32, "Q4_0_4_8", std::nullopt, true},
    {33, "Q4_0_8_8", std::nullopt, true},
    {34, "TQ1_0", DType::kTQ1_0},
    {35, "TQ2_0", DType::kTQ2_0},
    {36, "IQ4_NL_4_4", std::nullopt, true},
    {37, "IQ4_NL_4_8", std::nullopt, true},
    {38, "IQ4_NL_8_8", std::nullopt, true},
    {39, "MXFP4", DType::kMXFP4},
    {40, "NVFP4", std::nullopt},
    {41, "Q1_0", std::nullopt},
    {42, "Q2_0", std::nullopt},
});

}  // namespace

const GgmlType* find_any_ggml_type(std::uint32_t id) {
  const auto* found = std::ranges::find(kGgmlTypes, id, &GgmlType::id);
  return found == kGgmlTypes.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> find_ggml_type_id(DType dtype) {
  const auto* found = std::ranges::find(kGgmlTypes, std::optional(dtype), &GgmlType::dtype);
  if (found == kGgmlTypes.end()) return std::nullopt;
  return found->id;
}

std::uint32_t ggml_type_id(DType dtype) {
  const std::optional<std::uint32_t> id = find_ggml_type_id(dtype);
  PJ_CHECK(id.has_value());
  return *id;
}

const DTypeInfo* find_ggml_type(std::uint32_t id) {
  const GgmlType* type = find_any_ggml_type(id);
  return type == nullptr || !type->dtype ? nullptr : &dtype_info(*type->dtype);
}

}  // namespace pajamas
