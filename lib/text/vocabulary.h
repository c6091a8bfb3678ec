// SPDX-License-Identifier: Apache-2.0
// The token list of a GGUF file while it is put together: text, score and type by id.
//
// A plain value. Ids that nobody fills stay placeholders "[PAD{id}]" of type unused, so that the
// list has one entry for each row of the embedding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pajamas {

// More tokens than any tokenizer has; a larger id is an error of the file.
inline constexpr std::int64_t kMaxTokens = std::int64_t{4} << 20;

// Values of tokenizer.ggml.token_type. Do not change: persisted.
enum class TokenType : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

class Vocabulary {
 public:
  // `pad_score` is the score of the placeholders.
  Vocabulary(std::int64_t token_count, float pad_score);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  [[nodiscard]] bool has_id(std::int64_t id) const { return id >= 0 && id < size(); }
  [[nodiscard]] const std::string& text(std::int64_t id) const;
  [[nodiscard]] TokenType type(std::int64_t id) const;
  // `id` must be one of the list.
  void put(std::int64_t id, std::string text, float score, TokenType type);

  // llama.cpp refuses a vocabulary in which two tokens have the same text. Of each such group the
  // first keeps its text, the others become placeholders; gives their ids.
  std::vector<std::int64_t> make_texts_unique();

  [[nodiscard]] std::vector<std::string> take_tokens() { return std::move(tokens_); }
  [[nodiscard]] std::vector<float> take_scores() { return std::move(scores_); }
  [[nodiscard]] std::vector<std::int32_t> take_types() { return std::move(types_); }

 private:
  std::vector<std::string> tokens_;
  std::vector<float> scores_;
  std::vector<std::int32_t> types_;
};

// Added tokens that are written like control tokens although their files do not call them special.
bool looks_special(std::string_view token);

// "<0x00>" to "<0xFF>", hexadecimal digits in upper case.
bool is_byte_token(std::string_view token);

}  // namespace pajamas
