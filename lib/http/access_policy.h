// SPDX-License-Identifier: Apache-2.0
// What is refused before any handler is looked up: hosts that are not ours (DNS rebinding), pages
// of other sites (cross-site requests), bodies a form could send, and wrong tokens.
//
// One place decides for all routes. The token is compared in constant time over SHA-256, in
// whichever of the two headers it comes. After ten wrong tokens in a minute an address has to
// wait; loopback addresses do not, because behind a proxy they stand for everybody.
// AccessPolicy is used from one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "http/http_message.h"
#include "http/router.h"

namespace pajamas::http {

struct AccessOptions {
  std::vector<std::string> tokens{};           // none: everybody who can connect may ask
  std::vector<std::string> allowed_hosts{};    // names besides the loopback ones, without port
  std::vector<std::string> allowed_origins{};  // "https://chat.example": pages that may ask (CORS)
  bool check_host = true;                      // only for servers that listen on loopback alone
};

// A token from `text`, one a line; empty lines and those with # are skipped.
std::vector<std::string> parse_token_file(std::string_view text);

// 256 random bits as hex digits.
Result<std::string> make_token();

// "127.0.0.1", "::1", "localhost".
bool is_loopback_address(std::string_view address);

class AccessPolicy {
 public:
  explicit AccessPolicy(const AccessOptions& options);

  // Host, Origin, Sec-Fetch-Site and, where a body may change something, Content-Type. The answer
  // to give instead, if it is refused. Asks nothing of routes.
  [[nodiscard]] std::optional<Response> check_source(const Request& request) const;

  // The answer to a preflight of an allowed origin.
  [[nodiscard]] std::optional<Response> answer_preflight(const Request& request) const;

  // What an answer to an allowed origin carries besides.
  [[nodiscard]] std::vector<Header> cors_headers(const Request& request) const;

  [[nodiscard]] std::optional<Response> check_token(const Request& request,
                                                    std::chrono::steady_clock::time_point now);

 private:
  struct Failures {
    std::chrono::steady_clock::time_point since{};
    int count = 0;
  };
  [[nodiscard]] bool is_allowed_host(std::string_view host) const;
  [[nodiscard]] bool is_listed_origin(std::string_view origin) const;
  [[nodiscard]] bool is_right_token(std::string_view token) const;
  void note_failure(const std::string& peer, std::chrono::steady_clock::time_point now);

  AccessOptions options_;
  std::vector<std::string> token_hashes_;
  std::unordered_map<std::string, Failures> failures_;  // by peer, bounded
};

}  // namespace pajamas::http
