// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include "base/check.h"
#include "kernels/kernel_parts.h"
#include "kernels/kv_page.h"

namespace pajamas {

std::uint64_t kv_page_bytes(KvType type, std::int64_t head_dim) {
  PJ_CHECK(head_dim >= 1 && head_dim <= kMaxHeadDim);
  return kv_page_layout(type, head_dim).bytes;
}

void store_kv(const KernelTable* table, KvType type, std::int64_t head_dim, const float* key,
              const float* value, std::int64_t position_in_page, std::byte* page) {
  PJ_CHECK(head_dim >= 1 && head_dim <= kMaxHeadDim);
  PJ_CHECK(position_in_page >= 0 && position_in_page < kKvPagePositions);
  const auto store = find_in_tables(table, [](const KernelTable& t) { return t.ops.store_kv; });
  PJ_CHECK(store != nullptr);
  store(type, head_dim, key, value, position_in_page, page);
}

void attend(const KernelTable* table, const AttentionTask& task) {
  PJ_CHECK(task.head_dim >= 1 && task.head_dim <= kMaxHeadDim);
  PJ_CHECK(task.n_queries >= 0 && task.window >= 0 && task.first_position >= 0);
  const auto slot = static_cast<std::size_t>(task.type);
  PJ_CHECK(slot < kKvTypeCount);
  const auto kernel =
      find_in_tables(table, [&](const KernelTable& t) { return t.ops.attend[slot]; });
  PJ_CHECK(kernel != nullptr);
  kernel(task);
}

}  // namespace pajamas
