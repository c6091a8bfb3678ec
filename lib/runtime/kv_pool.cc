// SPDX-License-Identifier: Apache-2.0
#include "runtime/kv_pool.h"

#include <algorithm>

#include "base/check.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kSlabBytes = std::uint64_t{32} << 20;

}  // namespace

std::uint64_t KvShape::page_bytes() const { return (kv_page_bytes(type, head_dim) + 63) / 64 * 64; }

std::uint64_t KvShape::block_bytes() const {
  return page_bytes() * static_cast<std::uint64_t>(layers * kv_heads);
}

Result<std::int32_t> KvPool::allocate() {
  if (used_blocks_ >= max_blocks_) {
    return make_error(ErrorCode::kNoSpace,
                      "the KV cache is full: all {} positions are in use; end other sequences, or "
                      "make --context larger",
                      max_blocks_ * kKvPagePositions);
  }
  std::int32_t block = 0;
  if (free_.empty()) {
    if (touched_blocks_ == blocks_.size()) PJ_TRY(add_slab());
    block = static_cast<std::int32_t>(touched_blocks_++);
  } else {
    block = free_.back();
    free_.pop_back();
    std::ranges::fill(bytes(block), std::byte{0});
  }
  blocks_[static_cast<std::size_t>(block)].references = 1;
  ++used_blocks_;
  return block;
}

Status KvPool::add_slab() {
  const std::uint64_t block_bytes = shape_.block_bytes();
  const std::uint64_t left = static_cast<std::uint64_t>(max_blocks_) - blocks_.size();
  const std::uint64_t wanted = kSlabBytes / std::max<std::uint64_t>(block_bytes, 1);
  const std::uint64_t count = std::clamp<std::uint64_t>(wanted, 1, left);
  slabs_.push_back(PJ_TRY(MemoryPages::allocate(count * block_bytes)));
  for (std::uint64_t block = 0; block < count; ++block) {
    blocks_.push_back({slabs_.back().data() + block * block_bytes, 0});
  }
  return {};
}

void KvPool::retain(std::int32_t block) { ++blocks_[static_cast<std::size_t>(block)].references; }

void KvPool::release(std::int32_t block) {
  Block& held = blocks_[static_cast<std::size_t>(block)];
  PJ_CHECK(held.references > 0);
  if (--held.references > 0) return;
  free_.push_back(block);
  --used_blocks_;
}

bool KvPool::is_shared(std::int32_t block) const {
  return blocks_[static_cast<std::size_t>(block)].references > 1;
}

std::byte* KvPool::page(std::int32_t block, std::int64_t layer, std::int64_t kv_head) const {
  const std::int64_t at = shape_.is_one_page_for_all_layers ? 0 : layer;
  const auto index = static_cast<std::uint64_t>(at * shape_.kv_heads + kv_head);
  return blocks_[static_cast<std::size_t>(block)].memory + index * shape_.page_bytes();
}

std::span<std::byte> KvPool::bytes(std::int32_t block) const {
  return {blocks_[static_cast<std::size_t>(block)].memory,
          static_cast<std::size_t>(shape_.block_bytes())};
}

}  // namespace pajamas
