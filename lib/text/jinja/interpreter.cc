// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/interpreter.h"

#include "base/check.h"
#include "text/jinja/interpreter_guards.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace pajamas::jinja {

Result<std::string> Interpreter::render() {
  std::string output;
  out_ = &output;
  const Result<Flow> done = run(program_.body);
  if (!done) return std::unexpected(done.error().with_context(fmt::format("line {}", line_)));
  return output;
}

Status Interpreter::check_depth() const {
  if (depth_ <= runtime_.budget.limits().max_depth) return {};
  return value_error("statements, expressions and macro calls nest deeper than {} levels",
                     runtime_.budget.limits().max_depth);
}

Status Interpreter::print(std::string_view text) {
  PJ_TRY(runtime_.budget.spend_bytes(text.size()));
  const std::uint64_t most = runtime_.budget.limits().max_output_bytes;
  if (out_->size() + text.size() > most) {
    return value_error("the output has more than {} bytes, the limit of one rendering", most);
  }
  *out_ += text;
  return {};
}

Status Interpreter::print_value(const Value& value) {
  if (value.is_string()) return print(value.text());
  return print(PJ_TRY(to_text(runtime_.budget, value)));
}

Result<std::pair<Interpreter::Flow, Value>> Interpreter::capture(const Body& body) {
  std::string text;
  std::string* outer = std::exchange(out_, &text);
  Result<Flow> flow = run(body);
  out_ = outer;
  const Flow next = PJ_TRY(std::move(flow));
  return std::pair(next, PJ_TRY(make_string(runtime_.budget, std::move(text))));
}

Result<Interpreter::Flow> Interpreter::run(const Body& body) {
  const DepthGuard depth(*this);
  PJ_TRY(check_depth());
  for (const auto& statement : body) {
    line_ = statement->line;
    PJ_TRY(runtime_.budget.spend_steps());
    const Flow flow = PJ_TRY(run_statement(*statement));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run_statement(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::kText:
      PJ_TRY(print(statement.text));
      return Flow::kNext;
    case StatementKind::kPrint:
      for (const auto& expression : statement.expressions) {
        PJ_TRY(print_value(PJ_TRY(evaluate(*expression))));
      }
      return Flow::kNext;
    case StatementKind::kIf:
      return run_if(statement);
    case StatementKind::kFor:
      return run_for(statement);
    case StatementKind::kSet:
      PJ_TRY(assign(statement.target, PJ_TRY(evaluate(*statement.expressions[0]))));
      return Flow::kNext;
    case StatementKind::kSetBlock:
      return run_set_block(statement);
    case StatementKind::kMacro:
      set_variable(statement.macro.symbol, PJ_TRY(define_macro(statement.macro, statement.body)));
      return Flow::kNext;
    case StatementKind::kCallBlock:
      PJ_TRY(run_call_block(statement));
      return Flow::kNext;
    case StatementKind::kFilterBlock:
      return run_filter_block(statement);
    case StatementKind::kWith:
      return run_with(statement);
    case StatementKind::kBlock:
      return run_block(statement);
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run_if(const Statement& statement) {
  for (const Branch& branch : statement.branches) {
    if (branch.test && !is_true(PJ_TRY(evaluate(*branch.test)))) continue;
    return run(branch.body);
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run_for(const Statement& statement) {
  const Value iterable = PJ_TRY(evaluate(*statement.expressions[0]));
  Values items = PJ_TRY(elements_of(runtime_.budget, iterable));
  auto loop = std::make_shared<Loop>(*this, statement, std::move(items));
  const Value loop_value = Value::object(Kind::kLoop, loop);
  bool any = false;
  const Result<Flow> done = run_iterations(statement, *loop, loop_value, any);
  loop->finish();
  PJ_TRY(Result<Flow>(done));
  if (any || statement.branches.empty()) return Flow::kNext;
  const ScopeGuard scope(*this, scope_);
  return run(statement.branches[0].body);
}

Result<Interpreter::Flow> Interpreter::run_iterations(const Statement& statement, Loop& loop,
                                                      const Value& loop_value, bool& any) {
  ScopeGuard scope(*this, scope_);
  while (true) {
    std::optional<Value> item = PJ_TRY(loop.advance());
    if (!item) return Flow::kNext;
    any = true;
    scope.renew();
    set_variable(program_.symbol_loop, loop_value);
    PJ_TRY(assign(statement.target, std::move(*item)));
    if (PJ_TRY(run(statement.body)) == Flow::kBreak) return Flow::kNext;
  }
}

Result<bool> Interpreter::passes(const Statement& statement, const Value& item) {
  // The test sees the target and what is around the loop, not the loop's body.
  const ScopeGuard scope(*this, scope_);
  PJ_TRY(assign(statement.target, item));
  return is_true(PJ_TRY(evaluate(*statement.expressions[1])));
}

Result<Interpreter::Flow> Interpreter::run_set_block(const Statement& statement) {
  Value value;
  {
    const ScopeGuard scope(*this, scope_);
    auto [flow, text] = PJ_TRY(capture(statement.body));
    if (flow != Flow::kNext) return flow;
    value = std::move(text);
  }
  if (!statement.expressions.empty()) {
    inputs_.push_back(std::move(value));
    value = PJ_TRY(evaluate(*statement.expressions[0]));
    inputs_.pop_back();
  }
  PJ_TRY(assign(statement.target, std::move(value)));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run_filter_block(const Statement& statement) {
  const ScopeGuard scope(*this, scope_);
  auto [flow, text] = PJ_TRY(capture(statement.body));
  if (flow != Flow::kNext) return flow;
  inputs_.push_back(std::move(text));
  const Value value = PJ_TRY(evaluate(*statement.expressions[0]));
  inputs_.pop_back();
  PJ_TRY(print_value(value));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run_with(const Statement& statement) {
  std::vector<Value> values;
  for (const auto& [target, expression] : statement.assignments) {
    values.push_back(PJ_TRY(evaluate(*expression)));
  }
  const ScopeGuard scope(*this, scope_);
  for (std::size_t at = 0; at < values.size(); ++at) {
    PJ_TRY(assign(statement.assignments[at].first, std::move(values[at])));
  }
  return run(statement.body);
}

Result<Interpreter::Flow> Interpreter::run_block(const Statement& statement) {
  // A block sees what the template sets at its top, not the loops around it.
  const ScopeGuard scope(*this, &root_);
  return run(statement.body);
}

Status Interpreter::run_call_block(const Statement& statement) {
  const Value caller = PJ_TRY(define_macro(statement.macro, statement.body));
  return print_value(PJ_TRY(evaluate_call(*statement.expressions[0], &caller)));
}

void Interpreter::set_variable(int symbol, Value value) {
  for (auto& [name, old] : scope_->variables) {
    if (name == symbol) {
      old = std::move(value);
      return;
    }
  }
  scope_->variables.emplace_back(symbol, std::move(value));
}

Status Interpreter::assign(const Target& target, Value value) {
  if (target.is_tuple) {
    Values parts = PJ_TRY(elements_of(runtime_.budget, value));
    if (parts.size() != target.parts.size()) {
      return value_error("{} values for {} names", parts.size(), target.parts.size());
    }
    for (std::size_t at = 0; at < parts.size(); ++at) {
      PJ_TRY(assign(target.parts[at], std::move(parts[at])));
    }
    return {};
  }
  if (target.attribute.empty()) {
    set_variable(target.symbol, std::move(value));
    return {};
  }
  const Value owner = lookup(target.symbol);
  if (!owner.is(Kind::kNamespace)) {
    return value_error("an attribute of a {} is set, only a namespace has attributes to set",
                       kind_name(owner.kind()));
  }
  if (target.attribute.starts_with('_')) {
    return value_error("a namespace cannot have an attribute that starts with '_'");
  }
  auto& attributes = owner.as<NamespaceObject>().attributes;
  for (auto& [name, old] : attributes) {
    if (name == target.attribute) {
      old = std::move(value);
      return {};
    }
  }
  PJ_TRY(runtime_.budget.spend_bytes(sizeof(Value) + target.attribute.size()));
  attributes.emplace_back(target.attribute, std::move(value));
  return {};
}

Value Interpreter::lookup(int symbol) const {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    for (const auto& [name, value] : scope->variables) {
      if (name == symbol) return value;
    }
  }
  const std::string& name = program_.symbols[static_cast<std::size_t>(symbol)];
  if (std::optional<Value> function = global_function(name)) return *function;
  return undefined(fmt::format("'{}' is undefined", name));
}

Result<Value> Interpreter::define_macro(const MacroDefinition& definition, const Body& body) {
  PJ_TRY(runtime_.budget.spend_bytes(sizeof(MacroObject) + 3 * sizeof(Scope)));
  MacroObject& macro = macros_.emplace_back();
  macro.definition = &definition;
  macro.body = &body;
  macro.closure = scope_;
  for (Scope* scope = scope_; scope != nullptr && !scope->is_captured; scope = scope->parent) {
    scope->is_captured = true;
  }
  return Value::reference(Kind::kMacro, &macro);
}

}  // namespace pajamas::jinja
