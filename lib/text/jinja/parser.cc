// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/parser.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "text/jinja/expression_parser.h"

namespace pajamas::jinja {
namespace {

using StatementPtr = std::unique_ptr<Statement>;
using EndWords = std::initializer_list<std::string_view>;

class Parser : public ExpressionParser {
 public:
  explicit Parser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

  Result<Program> run() {
    Program program;
    program.body = PJ_TRY(statements({}));
    program.symbol_caller = symbol("caller");
    program.symbol_varargs = symbol("varargs");
    program.symbol_kwargs = symbol("kwargs");
    program.symbol_loop = symbol("loop");
    program.symbols = std::move(symbols_);
    return program;
  }

 private:
  static StatementPtr make_statement(StatementKind kind, int line) {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = line;
    return statement;
  }

  Status expect(TokenKind kind, std::string_view expected) {
    if (!tokens_.is(kind)) return unexpected_token(expected);
    tokens_.take();
    return {};
  }

  [[nodiscard]] bool is_end_word(EndWords ends) const {
    return std::ranges::any_of(ends, [&](std::string_view end) { return tokens_.is_name(end); });
  }

  // Statements up to one of the words, which stays the current token, behind its "{%".
  Result<Body> statements(EndWords ends) {
    const Level level(level_);
    PJ_TRY(check_nesting());
    Body body;
    while (true) {
      const Token& token = tokens_.current();
      switch (token.kind) {
        case TokenKind::kText:
          body.push_back(make_statement(StatementKind::kText, token.line));
          body.back()->text = tokens_.take().text;
          break;
        case TokenKind::kVariableBegin:
          tokens_.take();
          body.push_back(make_statement(StatementKind::kPrint, token.line));
          body.back()->expressions.push_back(PJ_TRY(tuple()));
          PJ_TRY(expect(TokenKind::kVariableEnd, "'}}'"));
          break;
        case TokenKind::kBlockBegin:
          tokens_.take();
          if (is_end_word(ends)) return body;
          body.push_back(PJ_TRY(statement(ends)));
          PJ_TRY(expect(TokenKind::kBlockEnd, "'%}'"));
          break;
        default:
          if (ends.size() == 0) return body;
          return error(fmt::format("the template ends inside of a block, expected '{}'",
                                   fmt::join(ends, "' or '")));
      }
    }
  }

  // The body of a statement, from the end of its tag to the word that ends it.
  Result<Body> body(EndWords ends) {
    tokens_.skip_operator(":");
    PJ_TRY(expect(TokenKind::kBlockEnd, "'%}'"));
    return statements(ends);
  }
  Result<Body> body_and_end(std::string_view end) {
    Body result = PJ_TRY(body({end}));
    tokens_.take();
    return result;
  }

  Result<StatementPtr> statement(EndWords ends) {
    struct Tag {
      std::string_view name;
      Result<StatementPtr> (Parser::*parse)(int line);
    };
    constexpr auto kTags = std::to_array<Tag>({
        {"if", &Parser::if_statement},
        {"for", &Parser::for_statement},
        {"set", &Parser::set_statement},
        {"macro", &Parser::macro_statement},
        {"call", &Parser::call_statement},
        {"filter", &Parser::filter_statement},
        {"with", &Parser::with_statement},
        {"block", &Parser::block_statement},
        {"print", &Parser::print_statement},
        {"generation", &Parser::generation_statement},
        {"break", &Parser::break_statement},
        {"continue", &Parser::continue_statement},
    });
    constexpr auto kRefused = std::to_array<std::string_view>(
        {"include", "import", "from", "extends", "autoescape", "do", "trans", "debug"});
    if (!tokens_.is(TokenKind::kName)) return unexpected_token("the name of a statement");
    const std::string_view name = tokens_.current().text;
    if (std::ranges::find(kRefused, name) != kRefused.end()) {
      return make_error(ErrorCode::kUnsupported,
                        "line {}: '{}' is not supported in a chat template", tokens_.current().line,
                        name);
    }
    const auto found = std::ranges::find(kTags, name, &Tag::name);
    if (found == kTags.end()) {
      if (ends.size() == 0) return error(fmt::format("unknown statement '{}'", name));
      return error(fmt::format("unknown statement '{}', or the block it is in needs '{}' first",
                               name, fmt::join(ends, "' or '")));
    }
    const int line = tokens_.take().line;
    return (this->*found->parse)(line);
  }

  Result<StatementPtr> if_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kIf, line);
    while (true) {
      Branch branch;
      branch.test = PJ_TRY(tuple(Conditionals::kNotAllowed));
      branch.body = PJ_TRY(body({"elif", "else", "endif"}));
      result->branches.push_back(std::move(branch));
      if (tokens_.skip_name("elif")) continue;
      if (tokens_.skip_name("else")) {
        result->branches.push_back({nullptr, PJ_TRY(body_and_end("endif"))});
      } else {
        tokens_.take();
      }
      return result;
    }
  }

  Result<StatementPtr> for_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kFor, line);
    result->target = PJ_TRY(target("in"));
    if (mentions_loop(result->target)) return error("a loop cannot assign to 'loop'");
    PJ_TRY(expect_name("in"));
    result->expressions.push_back(PJ_TRY(tuple(Conditionals::kNotAllowed, "recursive")));
    result->expressions.push_back(tokens_.skip_name("if") ? PJ_TRY(expression()) : nullptr);
    tokens_.skip_name("recursive");  // what it allows, calling the loop, is refused when it is done
    ++loops_;
    Result<Body> inside = body({"endfor", "else"});
    --loops_;
    if (!inside) return std::unexpected(std::move(inside).error());
    result->body = std::move(*inside);
    if (tokens_.skip_name("else")) {
      result->branches.push_back({nullptr, PJ_TRY(body_and_end("endfor"))});
    } else {
      tokens_.take();
    }
    return result;
  }

  bool mentions_loop(const Target& target) {
    if (!target.is_tuple) return target.symbol == symbol("loop");
    return std::ranges::any_of(target.parts, [&](const Target& t) { return mentions_loop(t); });
  }

  Result<StatementPtr> set_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kSet, line);
    result->target = PJ_TRY(target({}));
    if (tokens_.skip_operator("=")) {
      result->expressions.push_back(PJ_TRY(tuple()));
      return result;
    }
    result->kind = StatementKind::kSetBlock;
    if (tokens_.is_operator("|")) {
      result->expressions.push_back(PJ_TRY(filters(nullptr, Begin::kAtPipe)));
    }
    result->body = PJ_TRY(body_and_end("endset"));
    return result;
  }

  // A target, or several with commas between.
  Result<Target> target(std::string_view end_word) {
    Target first = PJ_TRY(one_target(end_word));
    if (!tokens_.is_operator(",")) return first;
    Target several;
    several.is_tuple = true;
    several.parts.push_back(std::move(first));
    while (tokens_.skip_operator(",")) {
      const bool at_end = tokens_.is(TokenKind::kBlockEnd) || tokens_.is_operator(")") ||
                          tokens_.is_operator("=") ||
                          (!end_word.empty() && tokens_.is_name(end_word));
      if (at_end) break;
      several.parts.push_back(PJ_TRY(one_target(end_word)));
    }
    return several;
  }

  Result<Target> one_target(std::string_view end_word) {
    const Level level(level_);
    PJ_TRY(check_nesting());
    if (tokens_.skip_operator("(")) {
      Target inside = PJ_TRY(target(end_word));
      PJ_TRY(expect_operator(")"));
      return inside;
    }
    constexpr auto kConstants =
        std::to_array<std::string_view>({"true", "false", "none", "True", "False", "None"});
    if (!tokens_.is(TokenKind::kName)) return unexpected_token("a name to assign to");
    if (std::ranges::find(kConstants, tokens_.current().text) != kConstants.end()) {
      return unexpected_token("a name to assign to");
    }
    Target result;
    result.symbol = symbol(tokens_.take().text);
    if (end_word.empty() && tokens_.skip_operator(".")) result.attribute = PJ_TRY(take_name());
    return result;
  }

  // The parameters and body of a macro or call block.
  Status signature(MacroDefinition& macro) {
    PJ_TRY(expect_operator("("));
    while (!tokens_.is_operator(")")) {
      if (!macro.parameters.empty()) PJ_TRY(expect_operator(","));
      Parameter parameter;
      parameter.name = PJ_TRY(take_name());
      parameter.symbol = symbol(parameter.name);
      const bool after_default =
          !macro.parameters.empty() && macro.parameters.back().otherwise != nullptr;
      if (tokens_.skip_operator("=")) {
        parameter.otherwise = PJ_TRY(expression());
      } else if (after_default) {
        return error("a parameter without default after one with a default");
      }
      macro.parameters.push_back(std::move(parameter));
    }
    tokens_.take();
    return {};
  }

  Result<Body> macro_body(MacroDefinition& macro, std::string_view end) {
    macros_.push_back(&macro);
    const int loops = std::exchange(loops_, 0);
    Result<Body> result = body_and_end(end);
    loops_ = loops;
    macros_.pop_back();
    return result;
  }

  Result<StatementPtr> macro_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kMacro, line);
    result->macro.name = PJ_TRY(take_name());
    result->macro.symbol = symbol(result->macro.name);
    PJ_TRY(signature(result->macro));
    result->body = PJ_TRY(macro_body(result->macro, "endmacro"));
    return result;
  }

  Result<StatementPtr> call_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kCallBlock, line);
    result->macro.name = "caller";
    if (tokens_.is_operator("(")) PJ_TRY(signature(result->macro));
    result->expressions.push_back(PJ_TRY(expression()));
    if (result->expressions[0]->kind != ExpressionKind::kCall) {
      return error("a call block needs a call");
    }
    result->body = PJ_TRY(macro_body(result->macro, "endcall"));
    return result;
  }

  Result<StatementPtr> filter_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kFilterBlock, line);
    result->expressions.push_back(PJ_TRY(filters(nullptr, Begin::kAtName)));
    result->body = PJ_TRY(body_and_end("endfilter"));
    return result;
  }

  Result<StatementPtr> with_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kWith, line);
    while (!tokens_.is(TokenKind::kBlockEnd) && !tokens_.is_operator(":")) {
      if (!result->assignments.empty()) PJ_TRY(expect_operator(","));
      Target assigned = PJ_TRY(one_target("="));
      PJ_TRY(expect_operator("="));
      result->assignments.emplace_back(std::move(assigned), PJ_TRY(expression()));
    }
    result->body = PJ_TRY(body_and_end("endwith"));
    return result;
  }

  Result<StatementPtr> block_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kBlock, line);
    result->text = PJ_TRY(take_name());
    if (tokens_.skip_name("scoped")) result->kind = StatementKind::kWith;
    if (tokens_.is_name("required")) return error("a required block needs a child template");
    const int loops = std::exchange(loops_, 0);
    Result<Body> inside = body_and_end("endblock");
    loops_ = loops;
    if (!inside) return std::unexpected(std::move(inside).error());
    result->body = std::move(*inside);
    tokens_.skip_name(result->text);
    return result;
  }

  Result<StatementPtr> print_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kPrint, line);
    while (!tokens_.is(TokenKind::kBlockEnd)) {
      if (!result->expressions.empty()) PJ_TRY(expect_operator(","));
      result->expressions.push_back(PJ_TRY(expression()));
    }
    return result;
  }

  // Marks what the assistant wrote, for training; nothing of it is printed.
  Result<StatementPtr> generation_statement(int line) {
    StatementPtr result = make_statement(StatementKind::kWith, line);
    const int loops = std::exchange(loops_, 0);
    Result<Body> inside = body_and_end("endgeneration");
    loops_ = loops;
    if (!inside) return std::unexpected(std::move(inside).error());
    result->body = std::move(*inside);
    return result;
  }

  Result<StatementPtr> break_statement(int line) {
    if (loops_ == 0) return error("'break' outside of a loop");
    return make_statement(StatementKind::kBreak, line);
  }

  Result<StatementPtr> continue_statement(int line) {
    if (loops_ == 0) return error("'continue' outside of a loop");
    return make_statement(StatementKind::kContinue, line);
  }

  int loops_ = 0;  // that a break could leave here
};

}  // namespace

Result<Program> parse(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    return make_error(ErrorCode::kInvalidData, "the template has {} bytes, expected at most {}",
                      source.size(), kMaxTemplateBytes);
  }
  return Parser(PJ_TRY(tokenize(source))).run();
}

}  // namespace pajamas::jinja
