// SPDX-License-Identifier: Apache-2.0
// Results of reading a request: a value, or the error body that the client gets.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "http/error_response.h"

namespace pajamas {

template <typename T>
using ApiResult = std::expected<T, http::ErrorBody>;

// 400, naming the field at fault.
template <typename... Args>
[[nodiscard]] std::unexpected<http::ErrorBody> bad_request(std::string_view param,
                                                           fmt::format_string<Args...> format,
                                                           Args&&... args) {
  return std::unexpected(
      http::ErrorBody{.status = 400,
                      .message = fmt::format(format, std::forward<Args>(args)...),
                      .param = std::string(param)});
}

// What a client gets for an error of the library. Errors that are not the client's fault keep
// their text: it names no more of the machine than the model's path, which the operator chose.
http::ErrorBody to_error_body(const Error& error);

}  // namespace pajamas
