// SPDX-License-Identifier: Apache-2.0
// The memory of the KV cache: blocks of 64 positions of all layers and heads, shared by sequences
// that begin alike.
//
// A block holds one page (kernels/attention.h) per layer and KV head. Blocks lie side by side in
// slabs large enough for huge pages: one token reads a page of every block for each layer and head,
// and would look up most of them in the page tables. Sequences count references;
// a block with more than one is never written. Not for use from several threads at once, but pages
// of blocks that are held may be read and written from any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/memory_pages.h"
#include "kernels/attention.h"

namespace pajamas {

struct KvShape {
  KvType type = KvType::kF16;
  std::int64_t layers = 0;  // that have pages of their own
  // One page for all layers of the model: each overwrites what the one before it stored.
  bool is_one_page_for_all_layers = false;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;

  [[nodiscard]] std::uint64_t page_bytes() const;  // 64-byte aligned
  [[nodiscard]] std::uint64_t block_bytes() const;
};

class KvPool {
 public:
  KvPool(const KvShape& shape, std::int64_t max_blocks) : shape_(shape), max_blocks_(max_blocks) {}

  [[nodiscard]] const KvShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t max_blocks() const { return max_blocks_; }
  [[nodiscard]] std::int64_t used_blocks() const { return used_blocks_; }

  // A zeroed block with one reference. kNoSpace when all are in use.
  Result<std::int32_t> allocate();
  void retain(std::int32_t block);
  void release(std::int32_t block);
  [[nodiscard]] bool is_shared(std::int32_t block) const;

  [[nodiscard]] std::byte* page(std::int32_t block, std::int64_t layer, std::int64_t kv_head) const;
  [[nodiscard]] std::span<std::byte> bytes(std::int32_t block) const;

 private:
  struct Block {
    std::byte* memory = nullptr;  // in a slab
    std::int32_t references = 0;
  };

  Status add_slab();

  KvShape shape_;
  std::int64_t max_blocks_;
  std::int64_t used_blocks_ = 0;
  std::vector<MemoryPages> slabs_;
  std::vector<Block> blocks_;       // of all slabs
  std::size_t touched_blocks_ = 0;  // the others are as the system gave them
  std::vector<std::int32_t> free_;
};

}  // namespace pajamas
