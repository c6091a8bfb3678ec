// SPDX-License-Identifier: Apache-2.0
// Requests and responses as plain data, and how a response's head looks on the wire.
//
// Values own their bytes; copy and move freely between threads. Nothing here reads a socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pajamas::http {

struct Header {
  std::string name;
  std::string value;
};

// Header names compare without regard to case.
const std::string* find_header(const std::vector<Header>& headers, std::string_view name);

struct Request {
  std::string method;  // "GET"
  std::string target;  // as sent
  std::string path;    // before '?', still percent-encoded
  std::string query;   // behind '?', still percent-encoded
  std::vector<Header> headers;
  std::string body;
  int minor_version = 1;  // of HTTP/1.x
  bool keep_alive = true;

  // Set by the server before a handler sees the request.
  std::string id;                                               // X-Request-Id of the answer
  std::string peer;                                             // address of the client
  std::vector<std::pair<std::string, std::string>> parameters;  // of the route, decoded

  // "" when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool has_header(std::string_view name) const;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers{};
  std::string body{};
};

std::string_view status_reason(int status);

enum class BodyFraming { kLength, kChunked, kUntilClose };

struct HeadOptions {
  BodyFraming framing = BodyFraming::kLength;
  bool keep_alive = true;
  int minor_version = 1;
};

// Status line and headers up to the empty line. Header values with control characters, which could
// start a header of their own, are left out.
std::string write_head(const Response& response, const HeadOptions& options);

// One chunk of a chunked body; `bytes` is not empty, which would end the body.
std::string write_chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// "%41b" is "Ab". False where the escapes are broken or stand for a zero byte.
bool percent_decode(std::string_view text, std::string& decoded);

// Text for a log or a terminal: control characters become '?', at most `max_bytes`.
std::string printable_line(std::string_view text, std::size_t max_bytes);

}  // namespace pajamas::http
