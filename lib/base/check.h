// SPDX-License-Identifier: Apache-2.0
// Checks of our own reasoning. A failed PJ_CHECK is a bug in this program and ends it with the
// place and the condition; input from outside must never reach one (use Result for that).
#pragma once

namespace pajamas {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pajamas

#define PJ_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::pajamas::check_failed(#condition, __FILE__, __LINE__))
