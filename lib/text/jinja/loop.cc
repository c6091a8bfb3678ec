// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"

namespace pajamas::jinja {

// The next element that passes the test of the loop, which is asked only when it is needed: the
// body may change what it sees.
Result<std::optional<Value>> Loop::fetch() {
  while (next_ < items_.size()) {
    PJ_TRY(interpreter_.runtime_.budget.spend_steps());
    Value item = items_[next_++];
    const bool has_test = statement_.expressions[1] != nullptr && !is_filtered_;
    if (!has_test || PJ_TRY(interpreter_.passes(statement_, item))) return item;
  }
  return std::nullopt;
}

Status Loop::peek() {
  if (has_peeked_) return {};
  peeked_ = PJ_TRY(fetch());
  has_peeked_ = true;
  return {};
}

Result<std::optional<Value>> Loop::advance() {
  PJ_TRY(peek());
  has_peeked_ = false;
  if (!peeked_) return std::nullopt;
  ++index0_;
  previous_ = std::move(current_);
  current_ = std::move(peeked_);
  return current_;
}

Result<std::int64_t> Loop::length() {
  if (statement_.expressions[1] != nullptr && !is_filtered_) {
    Values rest;
    while (std::optional<Value> item = PJ_TRY(fetch())) rest.push_back(std::move(*item));
    items_ = std::move(rest);
    next_ = 0;
    is_filtered_ = true;
  }
  const auto waiting = static_cast<std::int64_t>(items_.size() - next_);
  return index0_ + 1 + waiting + (has_peeked_ && peeked_ ? 1 : 0);
}

Result<std::optional<Value>> Loop::attribute(std::string_view name) {
  if (name == "index") return Value::integer(index0_ + 1);
  if (name == "index0") return Value::integer(index0_);
  if (name == "first") return Value::boolean(index0_ == 0);
  if (name == "depth") return Value::integer(1);
  if (name == "depth0") return Value::integer(0);
  if (name == "last") {
    PJ_TRY(peek());
    return Value::boolean(!peeked_);
  }
  if (name == "nextitem") {
    PJ_TRY(peek());
    return peeked_ ? *peeked_ : undefined("there is no next item");
  }
  if (name == "previtem") {
    return previous_ ? *previous_ : undefined("there is no previous item");
  }
  if (name == "length") return Value::integer(PJ_TRY(length()));
  if (name == "revindex") return Value::integer(PJ_TRY(length()) - index0_);
  if (name == "revindex0") return Value::integer(PJ_TRY(length()) - index0_ - 1);
  return std::nullopt;
}

Result<Value> Loop::call(Budget& budget, std::string_view method, const Arguments& arguments) {
  if (!arguments.named.empty()) return value_error("loop.{}() takes no names", method);
  const Values& values = arguments.positional;
  if (method == "cycle") {
    if (values.empty()) return value_error("loop.cycle() takes at least one value");
    if (index0_ < 0) return values[0];
    return values[static_cast<std::size_t>(index0_) % values.size()];
  }
  bool changed = !last_changed_ || last_changed_->size() != values.size();
  for (std::size_t at = 0; !changed && at < values.size(); ++at) {
    changed = !PJ_TRY(equals(budget, values[at], (*last_changed_)[at]));
  }
  if (changed) last_changed_ = values;
  return Value::boolean(changed);
}

void Loop::finish() {
  items_.clear();
  next_ = 0;
  has_peeked_ = false;
  is_filtered_ = true;
  peeked_.reset();
  previous_.reset();
  current_.reset();
  last_changed_.reset();
}

}  // namespace pajamas::jinja
