// SPDX-License-Identifier: Apache-2.0
// A parsed template. Immutable after parsing, so renderings in many threads may share it.
//
// Names are numbered: Program::symbols has their text. No expression is deeper than
// kMaxExpressionDepth and no statement nests deeper than kMaxNesting, so walking and freeing the
// tree may recurse.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/operators.h"
#include "text/jinja/value.h"

namespace pajamas::jinja {

inline constexpr int kMaxExpressionDepth = 200;
inline constexpr int kMaxNesting = 100;

enum class ExpressionKind : std::uint8_t {
  kConstant,     // constant
  kName,         // symbol
  kInput,        // what a filter or set block filters
  kList,         // parts
  kTuple,        // parts
  kDict,         // parts: key, value, key, value...
  kNot,          // parts[0]
  kNegate,       // parts[0]
  kPositive,     // parts[0]
  kBinary,       // parts[0] operators[0] parts[1]
  kAnd,          // parts[0], parts[1]
  kOr,           // parts[0], parts[1]
  kCompare,      // parts[0] operators[0] parts[1] operators[1] parts[2]...
  kConcat,       // parts
  kConditional,  // parts: test, then, else (may be null)
  kAttribute,    // parts[0] . name
  kItem,         // parts[0] [ parts[1] ]
  kSlice,        // parts: start, stop, step, each may be null; only inside kItem
  kCall,         // parts[0] ( arguments )
  kFilter,       // parts[0] | name ( arguments )
  kTest,         // parts[0] is name ( arguments )
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;       // *values
  ExpressionPtr star_star;  // **values
};

struct Expression {
  ExpressionKind kind = ExpressionKind::kConstant;
  int line = 1;
  int depth = 1;
  int symbol = -1;
  Value constant;
  std::string name;
  std::vector<Operator> operators;
  std::vector<ExpressionPtr> parts;
  CallArguments arguments;
};

// What is assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  int symbol = -1;        // the name; of a namespace when there is an attribute
  std::string attribute;  // empty: the name itself
  bool is_tuple = false;
  std::vector<Target> parts;
};

enum class StatementKind : std::uint8_t {
  kText,         // text
  kPrint,        // expressions
  kIf,           // branches; the last may have no test
  kFor,          // target in expressions[0] if expressions[1]: body, else branches[0]
  kSet,          // target = expressions[0]
  kSetBlock,     // target = body, filtered by expressions[0] when there is one
  kMacro,        // macro
  kCallBlock,    // expressions[0], called with macro as its caller
  kFilterBlock,  // body, filtered by expressions[0]
  kWith,         // assignments, then body in a scope of its own
  kBlock,        // body as a part of the template of its own
  kBreak,
  kContinue,
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Branch {
  ExpressionPtr test;
  Body body;
};

struct Parameter {
  int symbol = -1;
  std::string name;
  ExpressionPtr otherwise;
};

struct MacroDefinition {
  std::string name;
  int symbol = -1;
  std::vector<Parameter> parameters;
  // Which of the special names the body mentions; only those are accepted as arguments.
  bool uses_caller = false;
  bool uses_varargs = false;
  bool uses_kwargs = false;
};

struct Statement {
  StatementKind kind = StatementKind::kText;
  int line = 1;
  std::string text;
  Target target;
  std::vector<ExpressionPtr> expressions;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  std::vector<Branch> branches;
  Body body;
  MacroDefinition macro;
};

struct Program {
  Body body;
  std::vector<std::string> symbols;
  int symbol_caller = -1, symbol_varargs = -1, symbol_kwargs = -1, symbol_loop = -1;
};

}  // namespace pajamas::jinja
