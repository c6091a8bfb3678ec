// SPDX-License-Identifier: Apache-2.0
// A set of token ids of one vocabulary, one bit a token. Plain data.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pajamas {

class TokenMask {
 public:
  TokenMask() = default;
  explicit TokenMask(std::size_t tokens) : tokens_(tokens), words_((tokens + 63) / 64) {}

  [[nodiscard]] std::size_t tokens() const { return tokens_; }
  [[nodiscard]] bool contains(std::size_t id) const {
    return id < tokens_ && ((words_[id / 64] >> (id % 64)) & 1) != 0;
  }
  void insert(std::size_t id) { words_[id / 64] |= std::uint64_t{1} << (id % 64); }
  void erase(std::size_t id) { words_[id / 64] &= ~(std::uint64_t{1} << (id % 64)); }
  [[nodiscard]] std::size_t count() const {
    std::size_t total = 0;
    for (const std::uint64_t word : words_) total += static_cast<std::size_t>(std::popcount(word));
    return total;
  }
  bool operator==(const TokenMask&) const = default;

 private:
  std::size_t tokens_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace pajamas
