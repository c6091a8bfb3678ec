// SPDX-License-Identifier: Apache-2.0
// Errors for anything the world can cause: files, options, requests, the machine.
//
// A function that can fail returns Result<T> (or Status when there is no value). A message says
// where, what was found, what was expected, and what to do. Our own bugs go to PJ_CHECK (check.h).
// Values are plain data: copy and move freely between threads.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace pajamas {

// The number is the exit code of the programs. Do not change: scripts depend on it.
enum class ErrorCode : int {
  kInternal = 1,         // a bug of ours that was caught
  kInvalidArgument = 2,  // an option or a combination of options is wrong
  kQualityGate = 3,      // a measured quality is below what the user demanded
  kNotFound = 4,         // a file, model or tensor that was named is not there
  kInvalidData = 5,      // a file is corrupt, truncated or contradicts itself
  kUnsupported = 6,      // well-formed, but not something this program handles
  kIo = 7,               // the operating system refused a read, write or rename
  kNoSpace = 8,          // the disk (or a memory limit) is too small for the plan
  kConflict = 9,         // the output is there already, or another process holds it
  kCancelled = 130,      // the user interrupted; what was done can be resumed
};

// snake_case name of the code, as it stands in JSON output.
std::string_view error_code_name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  // The same error with "context: " put before its message.
  [[nodiscard]] Error with_context(std::string_view context) const;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// Of a format that was checked already; make_error checks it when it compiles.
[[nodiscard]] std::unexpected<Error> make_error_of(ErrorCode code, fmt::string_view format,
                                                   fmt::format_args args);

template <typename... Args>
[[nodiscard]] std::unexpected<Error> make_error(ErrorCode code, fmt::format_string<Args...> format,
                                                Args&&... args) {
  return make_error_of(code, format, fmt::make_format_args(args...));
}

}  // namespace pajamas

// The value of a Result, or return its error from the enclosing function. May be nested.
#define PJ_TRY(expression) PJ_TRY_NAMED(PJ_TRY_CONCAT(pj_result_, __COUNTER__), expression)

#define PJ_TRY_CONCAT(a, b) PJ_TRY_CONCAT_EXPANDED(a, b)
#define PJ_TRY_CONCAT_EXPANDED(a, b) a##b
#define PJ_TRY_NAMED(result, expression)                            \
  __extension__({                                                   \
    auto result = (expression);                                     \
    if (!result) return std::unexpected(std::move(result).error()); \
    std::move(result).value();                                      \
  })
