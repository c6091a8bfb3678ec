// SPDX-License-Identifier: Apache-2.0
// The tokens of a template, read one after the other by the parser.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/lexer.h"

namespace pajamas::jinja {

class TokenStream {
 public:
  // The last token is kEnd.
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& next() const {
    return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_];
  }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }

  [[nodiscard]] bool is(TokenKind kind) const { return current().kind == kind; }
  [[nodiscard]] bool is_name(std::string_view name) const { return has(TokenKind::kName, name); }
  [[nodiscard]] bool is_operator(std::string_view sign) const {
    return has(TokenKind::kOperator, sign);
  }
  bool skip_name(std::string_view name) { return skip(TokenKind::kName, name); }
  bool skip_operator(std::string_view sign) { return skip(TokenKind::kOperator, sign); }

 private:
  [[nodiscard]] bool has(TokenKind kind, std::string_view text) const {
    return current().kind == kind && current().text == text;
  }
  bool skip(TokenKind kind, std::string_view text) {
    if (!has(kind, text)) return false;
    take();
    return true;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

// How messages call a token.
std::string describe(const Token& token);

}  // namespace pajamas::jinja
