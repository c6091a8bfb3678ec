// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/expression_parser.h"

#include <algorithm>
#include <array>

#include "text/jinja/python_text.h"

namespace pajamas::jinja {
namespace {

void note_depth(const ExpressionPtr& part, int& depth) {
  if (part) depth = std::max(depth, part->depth);
}

void note_depth(const CallArguments& arguments, int& depth) {
  for (const auto& argument : arguments.positional) note_depth(argument, depth);
  for (const auto& [name, argument] : arguments.named) note_depth(argument, depth);
  note_depth(arguments.star, depth);
  note_depth(arguments.star_star, depth);
}

struct Sign {
  std::string_view text;
  Operator op;
};

const Sign* find_sign(const Token& token, std::span<const Sign> signs) {
  if (token.kind != TokenKind::kOperator) return nullptr;
  const auto found = std::ranges::find(signs, token.text, &Sign::text);
  return found == signs.end() ? nullptr : &*found;
}

constexpr auto kComparisonSigns = std::to_array<Sign>({{"==", Operator::kEqual},
                                                       {"!=", Operator::kNotEqual},
                                                       {"<", Operator::kLess},
                                                       {"<=", Operator::kLessEqual},
                                                       {">", Operator::kGreater},
                                                       {">=", Operator::kGreaterEqual}});
constexpr auto kSums = std::to_array<Sign>({{"+", Operator::kAdd}, {"-", Operator::kSubtract}});
constexpr auto kProducts = std::to_array<Sign>({{"*", Operator::kMultiply},
                                                {"/", Operator::kDivide},
                                                {"//", Operator::kFloorDivide},
                                                {"%", Operator::kModulo}});

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kVariableEnd:
      return "'}}'";
    case TokenKind::kString:
      return "a string";
    default:
      return fmt::format("'{}'", token.text.substr(0, byte_of_code_point(token.text, 40)));
  }
}

std::unexpected<Error> ExpressionParser::error(std::string_view message) const {
  return make_error(ErrorCode::kInvalidData, "line {}: {}", tokens_.current().line, message);
}

std::unexpected<Error> ExpressionParser::unexpected_token(std::string_view expected) const {
  return error(fmt::format("unexpected {}, expected {}", describe(tokens_.current()), expected));
}

Status ExpressionParser::expect_operator(std::string_view sign) {
  if (tokens_.skip_operator(sign)) return {};
  return unexpected_token(fmt::format("'{}'", sign));
}

Status ExpressionParser::expect_name(std::string_view name) {
  if (tokens_.skip_name(name)) return {};
  return unexpected_token(fmt::format("'{}'", name));
}

Result<std::string> ExpressionParser::take_name() {
  if (!tokens_.is(TokenKind::kName)) return unexpected_token("a name");
  return tokens_.take().text;
}

int ExpressionParser::symbol(std::string_view name) {
  const auto [place, is_new] =
      symbol_of_.try_emplace(std::string(name), static_cast<int>(symbols_.size()));
  if (is_new) symbols_.emplace_back(name);
  return place->second;
}

ExpressionPtr ExpressionParser::make(ExpressionKind kind, int line) const {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->line = line;
  return node;
}

Status ExpressionParser::check_nesting() const {
  if (level_ <= kMaxNesting) return {};
  return error(fmt::format("the template nests deeper than {} levels", kMaxNesting));
}

ExpressionParser::Parsed ExpressionParser::finish(ExpressionPtr node) const {
  int depth = 0;
  for (const auto& part : node->parts) note_depth(part, depth);
  note_depth(node->arguments, depth);
  node->depth = depth + 1;
  if (node->depth <= kMaxExpressionDepth) return node;
  return error(
      fmt::format("an expression has more than {} operations in a row", kMaxExpressionDepth));
}

ExpressionParser::Parsed ExpressionParser::binary(ExpressionPtr left, Operator op,
                                                  ExpressionPtr right, int line) {
  ExpressionPtr node = make(ExpressionKind::kBinary, line);
  node->operators.push_back(op);
  node->parts.push_back(std::move(left));
  node->parts.push_back(std::move(right));
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::expression(Conditionals conditionals) {
  const Level level(level_);
  PJ_TRY(check_nesting());
  ExpressionPtr node = PJ_TRY(alternatives());
  if (conditionals == Conditionals::kNotAllowed) return node;
  while (tokens_.is_name("if")) {
    const int line = tokens_.take().line;
    ExpressionPtr conditional = make(ExpressionKind::kConditional, line);
    conditional->parts.push_back(PJ_TRY(alternatives()));
    conditional->parts.push_back(std::move(node));
    conditional->parts.push_back(tokens_.skip_name("else") ? PJ_TRY(expression()) : nullptr);
    node = PJ_TRY(finish(std::move(conditional)));
  }
  return node;
}

ExpressionParser::Parsed ExpressionParser::alternatives() {
  ExpressionPtr left = PJ_TRY(conjunction());
  while (tokens_.is_name("or")) {
    ExpressionPtr node = make(ExpressionKind::kOr, tokens_.take().line);
    node->parts.push_back(std::move(left));
    node->parts.push_back(PJ_TRY(conjunction()));
    left = PJ_TRY(finish(std::move(node)));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::conjunction() {
  ExpressionPtr left = PJ_TRY(negation());
  while (tokens_.is_name("and")) {
    ExpressionPtr node = make(ExpressionKind::kAnd, tokens_.take().line);
    node->parts.push_back(std::move(left));
    node->parts.push_back(PJ_TRY(negation()));
    left = PJ_TRY(finish(std::move(node)));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::negation() {
  if (!tokens_.is_name("not")) return comparison();
  const Level level(level_);
  PJ_TRY(check_nesting());
  ExpressionPtr node = make(ExpressionKind::kNot, tokens_.take().line);
  node->parts.push_back(PJ_TRY(negation()));
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::comparison() {
  const int line = tokens_.current().line;
  ExpressionPtr first = PJ_TRY(sum());
  ExpressionPtr node = make(ExpressionKind::kCompare, line);
  node->parts.push_back(std::move(first));
  while (true) {
    if (const Sign* sign = find_sign(tokens_.current(), kComparisonSigns)) {
      tokens_.take();
      node->operators.push_back(sign->op);
    } else if (tokens_.skip_name("in")) {
      node->operators.push_back(Operator::kIn);
    } else if (tokens_.is_name("not") && tokens_.next().kind == TokenKind::kName &&
               tokens_.next().text == "in") {
      tokens_.take();
      tokens_.take();
      node->operators.push_back(Operator::kNotIn);
    } else {
      break;
    }
    node->parts.push_back(PJ_TRY(sum()));
  }
  if (node->operators.empty()) return std::move(node->parts[0]);
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::sum() {
  ExpressionPtr left = PJ_TRY(concatenation());
  while (const Sign* sign = find_sign(tokens_.current(), kSums)) {
    const int line = tokens_.take().line;
    left = PJ_TRY(binary(std::move(left), sign->op, PJ_TRY(concatenation()), line));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::concatenation() {
  ExpressionPtr first = PJ_TRY(product());
  if (!tokens_.is_operator("~")) return first;
  ExpressionPtr node = make(ExpressionKind::kConcat, first->line);
  node->parts.push_back(std::move(first));
  while (tokens_.skip_operator("~")) node->parts.push_back(PJ_TRY(product()));
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::product() {
  ExpressionPtr left = PJ_TRY(power());
  while (const Sign* sign = find_sign(tokens_.current(), kProducts)) {
    const int line = tokens_.take().line;
    left = PJ_TRY(binary(std::move(left), sign->op, PJ_TRY(power()), line));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::power() {
  ExpressionPtr left = PJ_TRY(unary(Suffixes::kAll));
  while (tokens_.is_operator("**")) {
    const int line = tokens_.take().line;
    left = PJ_TRY(binary(std::move(left), Operator::kPower, PJ_TRY(unary(Suffixes::kAll)), line));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::unary(Suffixes suffixes) {
  ExpressionPtr node;
  const bool negative = tokens_.is_operator("-");
  if (negative || tokens_.is_operator("+")) {
    const Level level(level_);
    PJ_TRY(check_nesting());
    node =
        make(negative ? ExpressionKind::kNegate : ExpressionKind::kPositive, tokens_.take().line);
    node->parts.push_back(PJ_TRY(unary(Suffixes::kNoFilters)));
    node = PJ_TRY(finish(std::move(node)));
  } else {
    node = PJ_TRY(primary());
  }
  node = PJ_TRY(postfix(std::move(node)));
  return suffixes == Suffixes::kAll ? filters_and_tests(std::move(node)) : Parsed(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::primary() {
  switch (tokens_.current().kind) {
    case TokenKind::kName:
      return name();
    case TokenKind::kString:
      return literal_string();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return number();
    default:
      break;
  }
  if (tokens_.is_operator("(")) return parenthesis();
  if (tokens_.is_operator("[")) return list();
  if (tokens_.is_operator("{")) return dict();
  return unexpected_token("an expression");
}

ExpressionParser::Parsed ExpressionParser::name() {
  const Token& token = tokens_.take();
  ExpressionPtr node = make(ExpressionKind::kConstant, token.line);
  if (token.text == "true" || token.text == "True") {
    node->constant = Value::boolean(true);
  } else if (token.text == "false" || token.text == "False") {
    node->constant = Value::boolean(false);
  } else if (token.text == "none" || token.text == "None") {
    node->constant = Value::none();
  } else {
    node->kind = ExpressionKind::kName;
    node->symbol = symbol(token.text);
    for (MacroDefinition* macro : macros_) {
      macro->uses_caller = macro->uses_caller || token.text == "caller";
      macro->uses_varargs = macro->uses_varargs || token.text == "varargs";
      macro->uses_kwargs = macro->uses_kwargs || token.text == "kwargs";
    }
  }
  return node;
}

ExpressionParser::Parsed ExpressionParser::literal_string() {
  ExpressionPtr node = make(ExpressionKind::kConstant, tokens_.current().line);
  std::string text;
  while (tokens_.is(TokenKind::kString)) text += tokens_.take().text;
  node->constant = short_string(text);
  return node;
}

ExpressionParser::Parsed ExpressionParser::number() {
  const Token& token = tokens_.current();
  ExpressionPtr node = make(ExpressionKind::kConstant, token.line);
  if (token.kind == TokenKind::kFloat) {
    const auto value = parse_float(token.text);
    if (!value) return error("a number is not valid");
    node->constant = Value::number(*value);
  } else {
    const auto value = parse_int(token.text, 0);
    if (!value) return error("an integer needs more than 64 bits");
    node->constant = Value::integer(*value);
  }
  tokens_.take();
  return node;
}

ExpressionParser::Parsed ExpressionParser::parenthesis() {
  const Level level(level_);
  PJ_TRY(check_nesting());
  const int line = tokens_.take().line;
  if (tokens_.skip_operator(")")) return make(ExpressionKind::kTuple, line);
  ExpressionPtr node = PJ_TRY(tuple());
  PJ_TRY(expect_operator(")"));
  return node;
}

bool ExpressionParser::at_tuple_end(std::string_view end_word) const {
  return tokens_.is(TokenKind::kVariableEnd) || tokens_.is(TokenKind::kBlockEnd) ||
         tokens_.is_operator(")") || (!end_word.empty() && tokens_.is_name(end_word));
}

ExpressionParser::Parsed ExpressionParser::tuple(Conditionals conditionals,
                                                 std::string_view end_word) {
  const int line = tokens_.current().line;
  ExpressionPtr first = PJ_TRY(expression(conditionals));
  if (!tokens_.is_operator(",")) return first;
  ExpressionPtr node = make(ExpressionKind::kTuple, line);
  node->parts.push_back(std::move(first));
  while (tokens_.skip_operator(",") && !at_tuple_end(end_word)) {
    node->parts.push_back(PJ_TRY(expression(conditionals)));
  }
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::list() {
  ExpressionPtr node = make(ExpressionKind::kList, tokens_.take().line);
  while (!tokens_.is_operator("]")) {
    if (!node->parts.empty()) PJ_TRY(expect_operator(","));
    if (tokens_.is_operator("]")) break;
    node->parts.push_back(PJ_TRY(expression()));
  }
  tokens_.take();
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::dict() {
  ExpressionPtr node = make(ExpressionKind::kDict, tokens_.take().line);
  while (!tokens_.is_operator("}")) {
    if (!node->parts.empty()) PJ_TRY(expect_operator(","));
    if (tokens_.is_operator("}")) break;
    node->parts.push_back(PJ_TRY(expression()));
    PJ_TRY(expect_operator(":"));
    node->parts.push_back(PJ_TRY(expression()));
  }
  tokens_.take();
  return finish(std::move(node));
}

ExpressionParser::Parsed ExpressionParser::postfix(ExpressionPtr node) {
  while (true) {
    if (tokens_.is_operator(".") || tokens_.is_operator("[")) {
      node = PJ_TRY(subscript(std::move(node)));
    } else if (tokens_.is_operator("(")) {
      node = PJ_TRY(call(std::move(node)));
    } else {
      return node;
    }
  }
}

ExpressionParser::Parsed ExpressionParser::filters_and_tests(ExpressionPtr node) {
  while (true) {
    if (tokens_.is_operator("|")) {
      node = PJ_TRY(filters(std::move(node), Begin::kAtPipe));
    } else if (tokens_.is_name("is")) {
      node = PJ_TRY(test(std::move(node)));
    } else if (tokens_.is_operator("(")) {
      node = PJ_TRY(call(std::move(node)));
    } else {
      return node;
    }
  }
}

ExpressionParser::Parsed ExpressionParser::subscript(ExpressionPtr node) {
  const Token& bracket = tokens_.take();
  const int line = bracket.line;
  if (bracket.text == ".") {
    if (tokens_.is(TokenKind::kName)) {
      ExpressionPtr attribute = make(ExpressionKind::kAttribute, line);
      attribute->name = tokens_.take().text;
      attribute->parts.push_back(std::move(node));
      return finish(std::move(attribute));
    }
    if (!tokens_.is(TokenKind::kInteger)) return unexpected_token("a name or number after '.'");
    ExpressionPtr item = make(ExpressionKind::kItem, line);
    item->parts.push_back(std::move(node));
    item->parts.push_back(PJ_TRY(number()));
    return finish(std::move(item));
  }
  ExpressionPtr item = make(ExpressionKind::kItem, line);
  item->parts.push_back(std::move(node));
  ExpressionPtr index = PJ_TRY(subscript_index());
  if (tokens_.is_operator(",")) {
    ExpressionPtr several = make(ExpressionKind::kTuple, line);
    several->parts.push_back(std::move(index));
    while (tokens_.skip_operator(",") && !tokens_.is_operator("]")) {
      several->parts.push_back(PJ_TRY(subscript_index()));
    }
    for (const auto& part : several->parts) {
      if (part->kind == ExpressionKind::kSlice) return error("a slice inside of a tuple");
    }
    index = PJ_TRY(finish(std::move(several)));
  }
  item->parts.push_back(std::move(index));
  PJ_TRY(expect_operator("]"));
  return finish(std::move(item));
}

ExpressionParser::Parsed ExpressionParser::subscript_index() {
  const int line = tokens_.current().line;
  ExpressionPtr start;
  if (!tokens_.is_operator(":")) {
    start = PJ_TRY(expression());
    if (!tokens_.is_operator(":")) return start;
  }
  ExpressionPtr slice = make(ExpressionKind::kSlice, line);
  slice->parts.push_back(std::move(start));
  while (slice->parts.size() < 3) {
    ExpressionPtr bound;
    if (tokens_.skip_operator(":") && !tokens_.is_operator(":") && !tokens_.is_operator("]") &&
        !tokens_.is_operator(",")) {
      bound = PJ_TRY(expression());
    }
    slice->parts.push_back(std::move(bound));
  }
  return finish(std::move(slice));
}

ExpressionParser::Parsed ExpressionParser::call(ExpressionPtr node) {
  ExpressionPtr called = make(ExpressionKind::kCall, tokens_.current().line);
  called->parts.push_back(std::move(node));
  called->arguments = PJ_TRY(call_arguments());
  return finish(std::move(called));
}

Result<CallArguments> ExpressionParser::call_arguments() {
  const Level level(level_);
  PJ_TRY(check_nesting());
  PJ_TRY(expect_operator("("));
  CallArguments arguments;
  bool first = true;
  while (!tokens_.is_operator(")")) {
    if (!first) PJ_TRY(expect_operator(","));
    if (tokens_.is_operator(")")) break;
    PJ_TRY(call_argument(arguments));
    first = false;
  }
  tokens_.take();
  return arguments;
}

Status ExpressionParser::call_argument(CallArguments& arguments) {
  const bool after_stars = arguments.star || arguments.star_star;
  if (tokens_.is_operator("*")) {
    if (after_stars) return error("two '*' in one call");
    tokens_.take();
    arguments.star = PJ_TRY(expression());
  } else if (tokens_.is_operator("**")) {
    if (arguments.star_star) return error("two '**' in one call");
    tokens_.take();
    arguments.star_star = PJ_TRY(expression());
  } else if (tokens_.is(TokenKind::kName) && tokens_.next().kind == TokenKind::kOperator &&
             tokens_.next().text == "=") {
    if (arguments.star_star) return error("an argument after '**'");
    std::string name = tokens_.take().text;
    tokens_.take();
    for (const auto& [other, value] : arguments.named) {
      if (other == name) return error(fmt::format("the argument '{}' is given twice", name));
    }
    arguments.named.emplace_back(std::move(name), PJ_TRY(expression()));
  } else {
    if (after_stars || !arguments.named.empty()) {
      return error("an argument by position after one by name");
    }
    arguments.positional.push_back(PJ_TRY(expression()));
  }
  return {};
}

ExpressionParser::Parsed ExpressionParser::filters(ExpressionPtr input, Begin begin) {
  while (begin == Begin::kAtName || tokens_.is_operator("|")) {
    if (begin == Begin::kAtPipe) tokens_.take();
    begin = Begin::kAtPipe;
    ExpressionPtr node = make(ExpressionKind::kFilter, tokens_.current().line);
    node->name = PJ_TRY(take_name());
    while (tokens_.skip_operator(".")) node->name += "." + PJ_TRY(take_name());
    node->parts.push_back(input ? std::move(input)
                                : make(ExpressionKind::kInput, tokens_.current().line));
    if (tokens_.is_operator("(")) node->arguments = PJ_TRY(call_arguments());
    input = PJ_TRY(finish(std::move(node)));
  }
  return input;
}

ExpressionParser::Parsed ExpressionParser::test(ExpressionPtr node) {
  const int line = tokens_.take().line;
  const bool negated = tokens_.skip_name("not");
  ExpressionPtr tested = make(ExpressionKind::kTest, line);
  tested->name = PJ_TRY(take_name());
  while (tokens_.skip_operator(".")) tested->name += "." + PJ_TRY(take_name());
  tested->parts.push_back(std::move(node));
  const TokenKind kind = tokens_.current().kind;
  const bool begins_argument = kind == TokenKind::kName || kind == TokenKind::kString ||
                               kind == TokenKind::kInteger || kind == TokenKind::kFloat ||
                               tokens_.is_operator("[") || tokens_.is_operator("{");
  if (tokens_.is_operator("(")) {
    tested->arguments = PJ_TRY(call_arguments());
  } else if (begins_argument && !tokens_.is_name("else") && !tokens_.is_name("or") &&
             !tokens_.is_name("and")) {
    if (tokens_.is_name("is")) return error("two tests in a row; put parentheses around the first");
    tested->arguments.positional.push_back(PJ_TRY(postfix(PJ_TRY(primary()))));
  }
  tested = PJ_TRY(finish(std::move(tested)));
  if (!negated) return tested;
  ExpressionPtr negation_node = make(ExpressionKind::kNot, line);
  negation_node->parts.push_back(std::move(tested));
  return finish(std::move(negation_node));
}

}  // namespace pajamas::jinja
