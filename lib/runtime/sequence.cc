// SPDX-License-Identifier: Apache-2.0
#include "runtime/sequence.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace pajamas {
namespace {

std::size_t blocks_for(std::int64_t positions) {
  return static_cast<std::size_t>((positions + kKvPagePositions - 1) / kKvPagePositions);
}

}  // namespace

Sequence::Sequence(Sequence&& other) noexcept
    : pool_(other.pool_),
      tokens_(std::exchange(other.tokens_, {})),
      blocks_(std::exchange(other.blocks_, {})) {}

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(tokens_, other.tokens_);
  std::swap(blocks_, other.blocks_);
  return *this;
}

void Sequence::truncate(std::int64_t length) {
  PJ_CHECK(length >= 0 && length <= this->length());
  tokens_.resize(static_cast<std::size_t>(length));
  while (blocks_.size() > blocks_for(length)) {
    pool_->release(blocks_.back());
    blocks_.pop_back();
  }
}

Result<Sequence> Sequence::fork(std::int64_t length) const {
  PJ_CHECK(length >= 0 && length <= this->length());
  Sequence copy(*pool_);
  copy.tokens_.assign(tokens_.begin(), tokens_.begin() + length);
  copy.blocks_.assign(blocks_.begin(),
                      blocks_.begin() + static_cast<std::ptrdiff_t>(blocks_for(length)));
  for (const std::int32_t block : copy.blocks_) pool_->retain(block);
  return copy;
}

Status Sequence::reserve(std::int64_t more) {
  const std::int64_t length = this->length();
  // The block that the next token goes into may be another sequence's too.
  const auto partial = static_cast<std::size_t>(length / kKvPagePositions);
  if (partial < blocks_.size() && pool_->is_shared(blocks_[partial])) PJ_TRY(copy_block(partial));
  while (blocks_.size() < blocks_for(length + more)) blocks_.push_back(PJ_TRY(pool_->allocate()));
  return {};
}

Status Sequence::copy_block(std::size_t index) {
  const std::int32_t copy = PJ_TRY(pool_->allocate());
  std::ranges::copy(pool_->bytes(blocks_[index]), pool_->bytes(copy).begin());
  pool_->release(blocks_[index]);
  blocks_[index] = copy;
  return {};
}

void Sequence::commit(std::span<const std::int32_t> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  PJ_CHECK(blocks_.size() >= blocks_for(length()));
}

}  // namespace pajamas
