// SPDX-License-Identifier: Apache-2.0
// The one shape of error bodies: {"error": {"message", "type", "param", "code"}}, as clients of
// the OpenAI API expect it.
#pragma once

#include <string>

#include "base/json.h"
#include "http/http_message.h"

namespace pajamas::http {

struct ErrorBody {
  int status = 500;
  std::string message{};
  std::string type{};     // empty: the usual one of the status, "invalid_request_error"
  std::string param{};    // the field at fault; empty: null
  std::string code{};     // "context_length_exceeded"; empty: the usual one of the status or null
  int retry_after_s = 0;  // adds Retry-After
};

// {"error": {...}}. Invalid UTF-8 in the texts is replaced.
Json error_json(const ErrorBody& error);
Response error_response(const ErrorBody& error);

// `json` as text; invalid UTF-8 in strings is replaced, as no client would read it.
std::string dump_json(const Json& json);
Response json_response(int status, const Json& json);

}  // namespace pajamas::http
