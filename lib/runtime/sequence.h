// SPDX-License-Identifier: Apache-2.0
// One text in the KV cache: its tokens and the blocks that hold their keys and values.
//
// Sequences that begin alike share blocks: fork() takes references, and whoever writes into a block
// that others see copies it first. Owns its references; movable; the KvPool must outlive it. Not
// for use from several threads at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "runtime/kv_pool.h"

namespace pajamas {

class Sequence {
 public:
  explicit Sequence(KvPool& pool) : pool_(&pool) {}
  Sequence(Sequence&& other) noexcept;
  Sequence& operator=(Sequence&& other) noexcept;
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;
  ~Sequence() { truncate(0); }

  // Tokens whose keys and values are in the cache.
  [[nodiscard]] std::span<const std::int32_t> tokens() const { return tokens_; }
  [[nodiscard]] std::int64_t length() const { return static_cast<std::int64_t>(tokens_.size()); }

  // Keeps the first `length` tokens.
  void truncate(std::int64_t length);
  // Another sequence that begins with the first `length` tokens of this one.
  [[nodiscard]] Result<Sequence> fork(std::int64_t length) const;

  // For the forward pass. reserve(): room for `more` tokens, in blocks that no one else sees.
  // commit(): the tokens whose keys and values have been stored there.
  Status reserve(std::int64_t more);
  void commit(std::span<const std::int32_t> tokens);
  [[nodiscard]] std::span<const std::int32_t> blocks() const { return blocks_; }
  [[nodiscard]] KvPool& pool() const { return *pool_; }

 private:
  Status copy_block(std::size_t index);

  KvPool* pool_;
  std::vector<std::int32_t> tokens_;
  std::vector<std::int32_t> blocks_;
};

}  // namespace pajamas
