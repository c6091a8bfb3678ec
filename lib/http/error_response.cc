// SPDX-License-Identifier: Apache-2.0
#include "http/error_response.h"

#include <algorithm>
#include <array>

namespace pajamas::http {
namespace {

struct Usual {
  int status;
  const char* type;
  const char* code;  // "": null
};

constexpr auto kUsual = std::to_array<Usual>({
    {401, "authentication_error", "invalid_api_key"},
    {403, "permission_error", ""},
    {404, "not_found_error", ""},
    {408, "timeout_error", ""},
    {429, "rate_limit_error", "rate_limit_exceeded"},
    {500, "server_error", ""},
    {501, "not_supported_error", ""},
    {503, "unavailable_error", ""},
    {505, "not_supported_error", ""},
});
constexpr Usual kInvalidRequest{400, "invalid_request_error", ""};

const Usual& usual_of(int status) {
  const auto* found = std::ranges::find(kUsual, status, &Usual::status);
  return found == kUsual.end() ? kInvalidRequest : *found;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

Json error_json(const ErrorBody& error) {
  const Usual& usual = usual_of(error.status);
  return {{"error",
           {{"message", error.message},
            {"type", error.type.empty() ? usual.type : error.type},
            {"param", text_or_null(error.param)},
            {"code", text_or_null(error.code.empty() ? usual.code : error.code)}}}};
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Response json_response(int status, const Json& json) {
  return {.status = status, .body = dump_json(json)};
}

Response error_response(const ErrorBody& error) {
  Response response = json_response(error.status, error_json(error));
  if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (error.retry_after_s > 0) {
    response.headers.push_back({"Retry-After", std::to_string(error.retry_after_s)});
  }
  return response;
}

}  // namespace pajamas::http
