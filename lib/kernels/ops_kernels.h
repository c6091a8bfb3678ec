// SPDX-License-Identifier: Apache-2.0
// The entries of a kernel table that serve vector_ops.h and attention.h. A null entry falls back to
// the next narrower table, as for codecs. Callers use those headers, not these pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace pajamas {

struct AttentionTask;
enum class KvType;
enum class RopeLayout;
constexpr std::size_t kKvTypeCount = 3;

struct OpsKernels {
  void (*rms_norm)(const float* x, const float* weight, std::int64_t n, float eps,
                   float* out) = nullptr;
  void (*add_to)(float* x, const float* y, std::int64_t n) = nullptr;
  void (*scale_by)(float* x, std::int64_t n, float factor) = nullptr;
  void (*softcap)(float* x, std::int64_t n, float cap) = nullptr;
  void (*silu_mul)(const float* gate, const float* up, std::int64_t n, float* out) = nullptr;
  void (*gelu_tanh_mul)(const float* gate, const float* up, std::int64_t n, float* out) = nullptr;
  void (*softmax)(float* x, std::int64_t n) = nullptr;
  std::int64_t (*argmax)(const float* x, std::int64_t n) = nullptr;
  void (*rope)(float* x, std::int64_t heads, std::int64_t head_dim, std::int64_t rotated,
               const float* cos, const float* sin, RopeLayout layout) = nullptr;
  void (*store_kv)(KvType type, std::int64_t head_dim, const float* key, const float* value,
                   std::int64_t position_in_page, std::byte* page) = nullptr;
  std::array<void (*)(const AttentionTask& task), kKvTypeCount> attend{};  // by KvType
};

}  // namespace pajamas
