// SPDX-License-Identifier: Apache-2.0
// Expressions, in the grammar of Jinja: `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`,
// `**`, signs, then subscripts, calls, filters and tests. Errors name the line.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/token_stream.h"

namespace pajamas::jinja {

class ExpressionParser {
 protected:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  using Parsed = Result<ExpressionPtr>;
  enum class Conditionals { kAllowed, kNotAllowed };

  Parsed expression(Conditionals conditionals = Conditionals::kAllowed);
  // An expression, or several with commas between: a tuple. `end_word` ends it too.
  Parsed tuple(Conditionals conditionals = Conditionals::kAllowed, std::string_view end_word = {});
  // Filters in a row, applied to `input`; kInput when there is none. `begin` skips the first '|'.
  enum class Begin { kAtPipe, kAtName };
  Parsed filters(ExpressionPtr input, Begin begin);

  [[nodiscard]] std::unexpected<Error> error(std::string_view message) const;
  [[nodiscard]] std::unexpected<Error> unexpected_token(std::string_view expected) const;
  Status expect_operator(std::string_view sign);
  Status expect_name(std::string_view name);
  Result<std::string> take_name();
  int symbol(std::string_view name);
  ExpressionPtr make(ExpressionKind kind, int line) const;

  // Counts one level of nesting while it lives.
  class Level {
   public:
    explicit Level(int& level) : level_(++level) {}
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --level_; }

   private:
    int& level_;
  };
  Status check_nesting() const;

  TokenStream tokens_;
  std::vector<std::string> symbols_;
  std::unordered_map<std::string, int> symbol_of_;
  std::vector<MacroDefinition*> macros_;  // whose bodies are being parsed, from the outside in
  int level_ = 0;

 private:
  Parsed alternatives();
  Parsed conjunction();
  Parsed negation();
  Parsed comparison();
  Parsed sum();
  Parsed concatenation();
  Parsed product();
  Parsed power();
  enum class Suffixes { kAll, kNoFilters };
  Parsed unary(Suffixes suffixes);
  Parsed primary();
  Parsed literal_string();
  Parsed number();
  Parsed name();
  Parsed parenthesis();
  Parsed list();
  Parsed dict();
  Parsed postfix(ExpressionPtr node);
  Parsed filters_and_tests(ExpressionPtr node);
  Parsed subscript(ExpressionPtr node);
  Parsed subscript_index();
  Parsed call(ExpressionPtr node);
  Parsed test(ExpressionPtr node);
  Result<CallArguments> call_arguments();
  Status call_argument(CallArguments& arguments);
  Parsed binary(ExpressionPtr left, Operator op, ExpressionPtr right, int line);
  // Computes the depth, which has a limit.
  Parsed finish(ExpressionPtr node) const;
  [[nodiscard]] bool at_tuple_end(std::string_view end_word) const;
};

}  // namespace pajamas::jinja
