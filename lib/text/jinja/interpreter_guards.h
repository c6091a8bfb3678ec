// SPDX-License-Identifier: Apache-2.0
// What the interpreter enters and leaves: a scope, a level of nesting.
#pragma once

#include <memory>

#include "text/jinja/interpreter.h"

namespace pajamas::jinja {

// A new scope until the end of the block. One that a macro has captured lives on.
class Interpreter::ScopeGuard {
 public:
  ScopeGuard(Interpreter& interpreter, Scope* parent)
      : interpreter_(interpreter), outer_(interpreter.scope_) {
    scope_ = std::make_unique<Scope>(parent);
    interpreter.scope_ = scope_.get();
  }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;
  ~ScopeGuard() {
    keep_if_captured();
    interpreter_.scope_ = outer_;
  }
  // Makes the scope empty again, for the next pass of a loop.
  void renew() {
    Scope* parent = scope_->parent;
    if (scope_->is_captured) {
      keep_if_captured();
      scope_ = std::make_unique<Scope>(parent);
      interpreter_.scope_ = scope_.get();
    } else {
      scope_->variables.clear();
    }
  }

 private:
  void keep_if_captured() {
    if (scope_->is_captured) interpreter_.captured_.push_back(std::move(scope_));
  }

  Interpreter& interpreter_;
  Scope* outer_;
  std::unique_ptr<Scope> scope_;
};

class Interpreter::DepthGuard {
 public:
  explicit DepthGuard(Interpreter& interpreter) : depth_(interpreter.depth_) { ++depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  ~DepthGuard() { --depth_; }

 private:
  int& depth_;
};

}  // namespace pajamas::jinja
