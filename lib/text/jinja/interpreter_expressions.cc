// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "text/jinja/interpreter.h"
#include "text/jinja/interpreter_guards.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"

namespace pajamas::jinja {

Result<Value> Interpreter::evaluate(const Expression& node) {
  const DepthGuard depth(*this);
  PJ_TRY(check_depth());
  PJ_TRY(runtime_.budget.spend_steps());
  line_ = node.line;
  return evaluate_kind(node);
}

Result<Value> Interpreter::evaluate_kind(const Expression& node) {
  switch (node.kind) {
    case ExpressionKind::kConstant:
      return node.constant;
    case ExpressionKind::kName:
      return lookup(node.symbol);
    case ExpressionKind::kInput:
      return inputs_.back();
    case ExpressionKind::kList:
    case ExpressionKind::kTuple:
      return evaluate_list(node);
    case ExpressionKind::kDict:
      return evaluate_dict(node);
    case ExpressionKind::kNot:
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
      return evaluate_logic(node);
    case ExpressionKind::kNegate:
    case ExpressionKind::kPositive:
      return evaluate_sign(node);
    case ExpressionKind::kBinary:
      return evaluate_binary(node);
    case ExpressionKind::kCompare:
      return evaluate_compare(node);
    case ExpressionKind::kConcat:
      return evaluate_concat(node);
    case ExpressionKind::kConditional:
      return evaluate_conditional(node);
    case ExpressionKind::kAttribute: {
      const Value value = PJ_TRY(evaluate(*node.parts[0]));
      line_ = node.line;
      return get_attribute(runtime_.budget, value, node.name);
    }
    case ExpressionKind::kItem:
    case ExpressionKind::kSlice:
      return evaluate_item(node);
    case ExpressionKind::kCall:
      return evaluate_call(node, nullptr);
    case ExpressionKind::kFilter:
      return evaluate_filter(node);
    case ExpressionKind::kTest:
      return evaluate_test(node);
  }
  return Value();
}

Result<Value> Interpreter::evaluate_list(const Expression& node) {
  Values items;
  for (const auto& part : node.parts) items.push_back(PJ_TRY(evaluate(*part)));
  return node.kind == ExpressionKind::kList ? make_list(runtime_.budget, std::move(items))
                                            : make_tuple(runtime_.budget, std::move(items));
}

Result<Value> Interpreter::evaluate_dict(const Expression& node) {
  Entries entries;
  for (std::size_t at = 0; at < node.parts.size(); at += 2) {
    Value key = PJ_TRY(evaluate(*node.parts[at]));
    Value value = PJ_TRY(evaluate(*node.parts[at + 1]));
    PJ_TRY(set_entry(runtime_.budget, entries, std::move(key), std::move(value)));
  }
  return make_dict(runtime_.budget, std::move(entries));
}

Result<Value> Interpreter::evaluate_logic(const Expression& node) {
  Value left = PJ_TRY(evaluate(*node.parts[0]));
  const bool is_left_true = is_true(left);
  if (node.kind == ExpressionKind::kNot) return Value::boolean(!is_left_true);
  if (is_left_true == (node.kind == ExpressionKind::kOr)) return left;
  return evaluate(*node.parts[1]);
}

Result<Value> Interpreter::evaluate_sign(const Expression& node) {
  Value value = PJ_TRY(evaluate(*node.parts[0]));
  if (node.kind == ExpressionKind::kNegate) return negate(value);
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kBool)) return Value::integer(value.integer());
  if (value.is_number()) return value;
  return value_error("a '+' stands before a {}", kind_name(value.kind()));
}

Result<Value> Interpreter::evaluate_binary(const Expression& node) {
  const Value left = PJ_TRY(evaluate(*node.parts[0]));
  const Value right = PJ_TRY(evaluate(*node.parts[1]));
  line_ = node.line;
  return calculate(runtime_.budget, node.operators[0], left, right);
}

Result<Value> Interpreter::evaluate_compare(const Expression& node) {
  Value left = PJ_TRY(evaluate(*node.parts[0]));
  for (std::size_t at = 0; at < node.operators.size(); ++at) {
    Value right = PJ_TRY(evaluate(*node.parts[at + 1]));
    if (!PJ_TRY(compare(runtime_.budget, node.operators[at], left, right))) {
      return Value::boolean(false);
    }
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Interpreter::evaluate_concat(const Expression& node) {
  std::string text;
  for (const auto& part : node.parts) {
    text += PJ_TRY(to_text(runtime_.budget, PJ_TRY(evaluate(*part))));
  }
  return make_string(runtime_.budget, std::move(text));
}

Result<Value> Interpreter::evaluate_conditional(const Expression& node) {
  if (is_true(PJ_TRY(evaluate(*node.parts[0])))) return evaluate(*node.parts[1]);
  if (node.parts[2]) return evaluate(*node.parts[2]);
  return undefined("an 'if' without 'else' in an expression was false");
}

Result<Value> Interpreter::evaluate_item(const Expression& node) {
  const Value value = PJ_TRY(evaluate(*node.parts[0]));
  const Expression& index = *node.parts[1];
  if (index.kind != ExpressionKind::kSlice) {
    const Value key = PJ_TRY(evaluate(index));
    return get_item(runtime_.budget, value, key);
  }
  Value bounds[3] = {Value::none(), Value::none(), Value::none()};
  for (std::size_t at = 0; at < 3; ++at) {
    if (index.parts[at]) bounds[at] = PJ_TRY(evaluate(*index.parts[at]));
  }
  return slice_of(runtime_.budget, value, {bounds[0], bounds[1], bounds[2]});
}

Result<Arguments> Interpreter::evaluate_arguments(const CallArguments& arguments) {
  Arguments values;
  for (const auto& argument : arguments.positional) {
    values.positional.push_back(PJ_TRY(evaluate(*argument)));
  }
  for (const auto& [name, argument] : arguments.named) {
    values.named.emplace_back(name, PJ_TRY(evaluate(*argument)));
  }
  if (arguments.star) {
    const Value more = PJ_TRY(evaluate(*arguments.star));
    for (Value& item : PJ_TRY(elements_of(runtime_.budget, more))) {
      values.positional.push_back(std::move(item));
    }
  }
  if (arguments.star_star) {
    const Value more = PJ_TRY(evaluate(*arguments.star_star));
    if (!more.is(Kind::kDict)) {
      return value_error("'**' needs a dict, found a {}", kind_name(more.kind()));
    }
    for (const auto& [key, value] : more.entries()) {
      if (!key.is_string()) return value_error("'**': a key is a {}", kind_name(key.kind()));
      PJ_TRY(runtime_.budget.spend_bytes(key.text().size() + sizeof(Value)));
      values.named.emplace_back(key.text(), value);
    }
  }
  return values;
}

Result<Value> Interpreter::evaluate_call(const Expression& node, const Value* caller) {
  const Value callee = PJ_TRY(evaluate(*node.parts[0]));
  Arguments arguments = PJ_TRY(evaluate_arguments(node.arguments));
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  line_ = node.line;
  return call(callee, arguments);
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  switch (callee.kind()) {
    case Kind::kUndefined:
      return undefined_error(callee);
    case Kind::kMacro:
      return call_macro(callee.as<MacroObject>(), arguments);
    case Kind::kFunction:
      return call_function(runtime_, callee, arguments);
    case Kind::kMethod: {
      const auto& method = callee.as<MethodObject>();
      if (method.self.is(Kind::kLoop)) {
        return method.self.as<Loop>().call(runtime_.budget, method.name, arguments);
      }
      return call_method(runtime_, method.self, method.name, arguments);
    }
    case Kind::kJoiner: {
      auto& joiner = callee.as<JoinerObject>();
      if (std::exchange(joiner.used, true)) return make_string(runtime_.budget, joiner.separator);
      return make_string(runtime_.budget, "");
    }
    case Kind::kLoop:
      return make_error(ErrorCode::kUnsupported, "calling a recursive loop is not supported");
    default:
      return value_error("a {} is called, which is no function", kind_name(callee.kind()));
  }
}

Result<Value> Interpreter::evaluate_filter(const Expression& node) {
  const Value value = PJ_TRY(evaluate(*node.parts[0]));
  const Arguments arguments = PJ_TRY(evaluate_arguments(node.arguments));
  line_ = node.line;
  return call_filter(runtime_, node.name, value, arguments);
}

Result<Value> Interpreter::evaluate_test(const Expression& node) {
  const Value value = PJ_TRY(evaluate(*node.parts[0]));
  const Arguments arguments = PJ_TRY(evaluate_arguments(node.arguments));
  line_ = node.line;
  return Value::boolean(PJ_TRY(call_test(runtime_, node.name, value, arguments)));
}

Result<Value> Interpreter::call_macro(const MacroObject& macro, const Arguments& arguments) {
  const DepthGuard depth(*this);
  PJ_TRY(check_depth());
  const int line = line_;
  const ScopeGuard scope(*this, macro.closure);
  PJ_TRY(bind_macro(macro, arguments));
  auto [flow, text] = PJ_TRY(capture(*macro.body));
  line_ = line;
  return text;
}

Status Interpreter::bind_macro(const MacroObject& macro, const Arguments& arguments) {
  const MacroDefinition& definition = *macro.definition;
  std::vector<bool> used(arguments.named.size(), false);
  for (std::size_t at = 0; at < definition.parameters.size(); ++at) {
    const Parameter& parameter = definition.parameters[at];
    std::optional<Value> value;
    if (at < arguments.positional.size()) {
      value = arguments.positional[at];
    } else {
      for (std::size_t named = 0; named < arguments.named.size(); ++named) {
        if (arguments.named[named].first != parameter.name) continue;
        value = arguments.named[named].second;
        used[named] = true;
      }
    }
    if (!value && parameter.otherwise) value = PJ_TRY(evaluate(*parameter.otherwise));
    if (!value) {
      value = undefined(fmt::format("the parameter '{}' was not given", parameter.name));
    }
    set_variable(parameter.symbol, std::move(*value));
  }
  return bind_rest(definition, arguments, used);
}

Status Interpreter::bind_rest(const MacroDefinition& definition, const Arguments& arguments,
                              const std::vector<bool>& used) {
  const bool has_caller_parameter = std::ranges::any_of(
      definition.parameters, [](const Parameter& p) { return p.name == "caller"; });
  const bool takes_caller = definition.uses_caller && !has_caller_parameter;
  if (takes_caller) set_variable(program_.symbol_caller, undefined("no caller is defined"));
  Entries rest;
  for (std::size_t named = 0; named < arguments.named.size(); ++named) {
    const auto& [name, value] = arguments.named[named];
    if (used[named]) continue;
    if (takes_caller && name == "caller") {
      set_variable(program_.symbol_caller, value);
    } else if (definition.uses_kwargs) {
      PJ_TRY(set_entry(runtime_.budget, rest, PJ_TRY(make_string(runtime_.budget, name)), value));
    } else {
      return value_error("the macro '{}' takes no argument named '{}'", definition.name, name);
    }
  }
  if (definition.uses_kwargs) {
    set_variable(program_.symbol_kwargs, PJ_TRY(make_dict(runtime_.budget, std::move(rest))));
  }
  const std::size_t taken = std::min(definition.parameters.size(), arguments.positional.size());
  if (definition.uses_varargs) {
    const auto first = arguments.positional.begin() + static_cast<std::ptrdiff_t>(taken);
    set_variable(program_.symbol_varargs,
                 PJ_TRY(make_tuple(runtime_.budget, {first, arguments.positional.end()})));
  } else if (arguments.positional.size() > taken) {
    return value_error("the macro '{}' takes at most {} arguments, found {}", definition.name,
                       definition.parameters.size(), arguments.positional.size());
  }
  return {};
}

}  // namespace pajamas::jinja
