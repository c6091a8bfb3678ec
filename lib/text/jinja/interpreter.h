// SPDX-License-Identifier: Apache-2.0
// Renders a parsed template. One interpreter is one rendering, in one thread.
//
// Names are looked up from the innermost scope outwards, then among the input, then among the
// global functions. Loops, blocks of set, with, macros and calls have a scope of their own.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/functions.h"
#include "text/jinja/lookup.h"
#include "text/jinja/value.h"

namespace pajamas::jinja {

struct Scope {
  explicit Scope(Scope* outer) : parent(outer) {}
  Scope* parent;
  std::vector<std::pair<int, Value>> variables;
  bool is_captured = false;  // by a macro, which may be called later
};

struct MacroObject : Object {
  const MacroDefinition* definition = nullptr;
  const Body* body = nullptr;
  Scope* closure = nullptr;
};

class Interpreter;

// One running loop.
class Loop : public LoopAccess {
 public:
  Loop(Interpreter& interpreter, const Statement& statement, Values items)
      : interpreter_(interpreter), statement_(statement), items_(std::move(items)) {}

  // Goes to the next element; nothing at the end.
  Result<std::optional<Value>> advance();
  Result<std::optional<Value>> attribute(std::string_view name) override;
  Result<Value> call(Budget& budget, std::string_view method, const Arguments& arguments);
  // After the loop its object holds nothing, whoever has kept it.
  void finish();

 private:
  Result<std::optional<Value>> fetch();
  Status peek();
  Result<std::int64_t> length();

  Interpreter& interpreter_;
  const Statement& statement_;
  Values items_;
  std::size_t next_ = 0;
  bool is_filtered_ = false;  // the rest of items_ has passed the loop's test
  bool has_peeked_ = false;
  std::optional<Value> peeked_;
  std::int64_t index0_ = -1;
  std::optional<Value> previous_, current_;
  std::optional<Values> last_changed_;
};

class Interpreter {
 public:
  Interpreter(const Program& program, Runtime& runtime)
      : program_(program), runtime_(runtime), root_(nullptr) {}
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // The variable of the input; only those that the template mentions matter.
  void set_global(int symbol, Value value) {
    root_.variables.emplace_back(symbol, std::move(value));
  }
  // An error names the line.
  Result<std::string> render();

 private:
  friend class Loop;
  enum class Flow { kNext, kBreak, kContinue };

  class ScopeGuard;
  class DepthGuard;

  Status check_depth() const;
  Status print(std::string_view text);
  Status print_value(const Value& value);
  // Runs the body, which prints into a string of its own.
  Result<std::pair<Flow, Value>> capture(const Body& body);

  Result<Flow> run(const Body& body);
  Result<Flow> run_statement(const Statement& statement);
  Result<Flow> run_if(const Statement& statement);
  Result<Flow> run_for(const Statement& statement);
  Result<Flow> run_iterations(const Statement& statement, Loop& loop, const Value& loop_value,
                              bool& any);
  Result<Flow> run_set_block(const Statement& statement);
  Result<Flow> run_filter_block(const Statement& statement);
  Result<Flow> run_with(const Statement& statement);
  Result<Flow> run_block(const Statement& statement);
  Status run_call_block(const Statement& statement);
  Result<bool> passes(const Statement& statement, const Value& item);

  void set_variable(int symbol, Value value);
  Status assign(const Target& target, Value value);
  Value lookup(int symbol) const;
  Result<Value> define_macro(const MacroDefinition& definition, const Body& body);

  Result<Value> evaluate(const Expression& node);
  Result<Value> evaluate_kind(const Expression& node);
  Result<Value> evaluate_list(const Expression& node);
  Result<Value> evaluate_dict(const Expression& node);
  Result<Value> evaluate_logic(const Expression& node);
  Result<Value> evaluate_binary(const Expression& node);
  Result<Value> evaluate_compare(const Expression& node);
  Result<Value> evaluate_concat(const Expression& node);
  Result<Value> evaluate_conditional(const Expression& node);
  Result<Value> evaluate_item(const Expression& node);
  Result<Value> evaluate_call(const Expression& node, const Value* caller);
  Result<Value> evaluate_filter(const Expression& node);
  Result<Value> evaluate_test(const Expression& node);
  Result<Value> evaluate_sign(const Expression& node);
  Result<Arguments> evaluate_arguments(const CallArguments& arguments);
  Result<Value> call(const Value& callee, const Arguments& arguments);
  Result<Value> call_macro(const MacroObject& macro, const Arguments& arguments);
  Status bind_macro(const MacroObject& macro, const Arguments& arguments);
  Status bind_rest(const MacroDefinition& definition, const Arguments& arguments,
                   const std::vector<bool>& used);

  const Program& program_;
  Runtime& runtime_;
  Scope root_;
  Scope* scope_ = &root_;
  std::string* out_ = nullptr;
  int line_ = 1;
  int depth_ = 0;
  std::vector<Value> inputs_;  // of the filter and set blocks around
  std::deque<MacroObject> macros_;
  std::vector<std::unique_ptr<Scope>> captured_;
};

}  // namespace pajamas::jinja
