// SPDX-License-Identifier: Apache-2.0
#include "http/access_policy.h"

#include <algorithm>
#include <cctype>
#include <span>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/sha256.h"
#include "http/error_response.h"

namespace pajamas::http {
namespace {

constexpr int kMaxFailures = 10;  // per minute and address (RFC 6585 suggests no number)
constexpr auto kFailureWindow = std::chrono::minutes(1);
constexpr std::size_t kMaxPeers = 4096;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// "example.org:8080" and "[::1]:8080" without the port.
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(0, end + 1);
  }
  return host.substr(0, host.find(':'));
}

std::string hash_of(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

bool changes_state(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

bool has_body(const Request& request) {
  const std::string_view length = request.header("Content-Length");
  return request.has_header("Transfer-Encoding") || (!length.empty() && length != "0");
}

bool is_accepted_content_type(std::string_view value) {
  std::string type = lower_case(value.substr(0, value.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  // What a page can send to another site without being asked first is not among these.
  return type == "application/json" || type == "application/octet-stream";
}

Response refuse(int status, std::string message) {
  return error_response({.status = status, .message = std::move(message)});
}

// The token of the first header that carries one.
std::string_view token_of(const Request& request) {
  const std::string_view authorization = request.header("Authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (authorization.size() > kBearer.size() &&
      lower_case(authorization.substr(0, kBearer.size())) == kBearer) {
    return authorization.substr(kBearer.size());
  }
  return request.header("X-Api-Key");
}

}  // namespace

std::vector<std::string> parse_token_file(std::string_view text) {
  std::vector<std::string> tokens;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line(text.substr(begin, end - begin));
    begin = end + 1;
    std::erase_if(line, [](unsigned char c) { return std::isspace(c) != 0; });
    if (!line.empty() && line.front() != '#') tokens.push_back(std::move(line));
  }
  return tokens;
}

Result<std::string> make_token() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return make_error(ErrorCode::kIo, "the system gives no random bytes for a token");
  }
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

bool is_loopback_address(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

AccessPolicy::AccessPolicy(const AccessOptions& options) : options_(options) {
  for (const std::string& token : options.tokens) token_hashes_.push_back(hash_of(token));
  for (std::string& host : options_.allowed_hosts) host = lower_case(host);
}

bool AccessPolicy::is_allowed_host(std::string_view host) const {
  const std::string name = lower_case(without_port(host));
  if (name == "localhost" || name == "[::1]" || name == "127.0.0.1") return true;
  if (name.ends_with(".localhost")) return true;
  return std::ranges::find(options_.allowed_hosts, name) != options_.allowed_hosts.end();
}

bool AccessPolicy::is_listed_origin(std::string_view origin) const {
  return std::ranges::find(options_.allowed_origins, origin) != options_.allowed_origins.end();
}

std::optional<Response> AccessPolicy::check_source(const Request& request) const {
  const std::string_view host = request.header("Host");
  if (options_.check_host && !is_allowed_host(host)) {
    return refuse(403, fmt::format("the Host header '{}' is not a name of this server; use "
                                   "localhost or start it with --allowed-host",
                                   printable_line(host, 100)));
  }
  const std::string_view origin = request.header("Origin");
  const bool is_listed = is_listed_origin(origin);
  const bool is_same = !host.empty() && (origin == fmt::format("http://{}", host) ||
                                         origin == fmt::format("https://{}", host));
  if (!origin.empty() && !is_listed && !is_same) {
    return refuse(403, fmt::format("pages of '{}' may not use this server; start it with "
                                   "--allowed-origin to let them",
                                   printable_line(origin, 100)));
  }
  if (!changes_state(request.method)) return std::nullopt;
  if (request.header("Sec-Fetch-Site") == "cross-site" && !is_listed) {
    return refuse(403, "pages of other sites may not use this server");
  }
  if (has_body(request) && !is_accepted_content_type(request.header("Content-Type"))) {
    return refuse(415, "the Content-Type of a body must be application/json");
  }
  return std::nullopt;
}

std::optional<Response> AccessPolicy::answer_preflight(const Request& request) const {
  if (request.method != "OPTIONS" || !request.has_header("Access-Control-Request-Method")) {
    return std::nullopt;
  }
  if (!is_listed_origin(request.header("Origin"))) return std::nullopt;
  Response response{.status = 204, .headers = cors_headers(request)};
  response.headers.push_back({"Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE"});
  response.headers.push_back(
      {"Access-Control-Allow-Headers", "Authorization, Content-Type, X-Api-Key, X-Request-Id"});
  response.headers.push_back({"Access-Control-Max-Age", "600"});
  return response;
}

std::vector<Header> AccessPolicy::cors_headers(const Request& request) const {
  const std::string_view origin = request.header("Origin");
  if (origin.empty() || !is_listed_origin(origin)) return {};
  return {{"Access-Control-Allow-Origin", std::string(origin)},
          {"Access-Control-Expose-Headers", "X-Request-Id, Retry-After"},
          {"Vary", "Origin"}};
}

bool AccessPolicy::is_right_token(std::string_view token) const {
  const std::string hash = hash_of(token);
  bool is_right = false;
  for (const std::string& known : token_hashes_) {
    // Looks at all of them, so that the time does not tell which one was close.
    is_right |= CRYPTO_memcmp(hash.data(), known.data(), hash.size()) == 0;
  }
  return is_right;
}

void AccessPolicy::note_failure(const std::string& peer,
                                std::chrono::steady_clock::time_point now) {
  if (failures_.size() >= kMaxPeers) {
    std::erase_if(failures_,
                  [&](const auto& entry) { return now - entry.second.since > kFailureWindow; });
    if (failures_.size() >= kMaxPeers) failures_.clear();
  }
  Failures& failures = failures_[peer];
  if (now - failures.since > kFailureWindow) failures = {.since = now, .count = 0};
  ++failures.count;
}

std::optional<Response> AccessPolicy::check_token(const Request& request,
                                                  std::chrono::steady_clock::time_point now) {
  if (token_hashes_.empty()) return std::nullopt;
  const auto known = failures_.find(request.peer);
  if (known != failures_.end() && known->second.count >= kMaxFailures &&
      now - known->second.since <= kFailureWindow) {
    return error_response({.status = 429,
                           .message = "too many requests with a wrong token; wait a minute",
                           .retry_after_s = 60});
  }
  const std::string_view token = token_of(request);
  if (!token.empty() && is_right_token(token)) return std::nullopt;
  if (!token.empty() && !is_loopback_address(request.peer)) note_failure(request.peer, now);
  return error_response(
      {.status = 401,
       .message = token.empty() ? "this server wants a token: send 'Authorization: Bearer TOKEN'"
                                : "the token is not one of this server's"});
}

}  // namespace pajamas::http
