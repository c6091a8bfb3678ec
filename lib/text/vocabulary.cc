// SPDX-License-Identifier: Apache-2.0
#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace pajamas {

Vocabulary::Vocabulary(std::int64_t token_count, float pad_score) {
  PJ_CHECK(token_count >= 0 && token_count <= kMaxTokens);
  tokens_.reserve(static_cast<std::size_t>(token_count));
  for (std::int64_t id = 0; id < token_count; ++id) tokens_.push_back(fmt::format("[PAD{}]", id));
  scores_.assign(tokens_.size(), pad_score);
  types_.assign(tokens_.size(), static_cast<std::int32_t>(TokenType::kUnused));
}

const std::string& Vocabulary::text(std::int64_t id) const {
  PJ_CHECK(has_id(id));
  return tokens_[static_cast<std::size_t>(id)];
}

TokenType Vocabulary::type(std::int64_t id) const {
  PJ_CHECK(has_id(id));
  return static_cast<TokenType>(types_[static_cast<std::size_t>(id)]);
}

void Vocabulary::put(std::int64_t id, std::string text, float score, TokenType type) {
  PJ_CHECK(has_id(id));
  const auto index = static_cast<std::size_t>(id);
  tokens_[index] = std::move(text);
  scores_[index] = score;
  types_[index] = static_cast<std::int32_t>(type);
}

std::vector<std::int64_t> Vocabulary::make_texts_unique() {
  std::vector<std::int64_t> renamed;
  {
    std::unordered_map<std::string_view, std::size_t> first;
    first.reserve(tokens_.size());
    for (std::size_t index = 0; index < tokens_.size(); ++index) {
      if (!first.emplace(tokens_[index], index).second) {
        renamed.push_back(static_cast<std::int64_t>(index));
      }
    }
  }
  for (const std::int64_t id : renamed) {
    put(id, fmt::format("[DUPLICATE{}]", id), scores_[static_cast<std::size_t>(id)],
        TokenType::kUnused);
  }
  return renamed;
}

bool looks_special(std::string_view token) {
  // Spelled so by command-r, deepseek-coder and gemma.
  constexpr std::array<std::string_view, 4> kNames = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};
  if (std::ranges::find(kNames, token) != kNames.end()) return true;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFrames = {
      {{"<|", "|>"}, {"<\xef\xbd\x9c", "\xef\xbd\x9c>"}, {"<unused", ">"}}};
  return std::ranges::any_of(kFrames, [&](const auto& frame) {
    return token.starts_with(frame.first) && token.ends_with(frame.second);
  });
}

bool is_byte_token(std::string_view token) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  return token.size() == 6 && token.starts_with("<0x") && is_digit(token[3]) &&
         is_digit(token[4]) && token[5] == '>';
}

}  // namespace pajamas
