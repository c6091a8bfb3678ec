// SPDX-License-Identifier: Apache-2.0
// Reads one HTTP/1.x request from bytes as they arrive, within limits.
//
//   RequestParser parser(limits);
//   while (!parser.is_complete()) {
//     const std::size_t used = PJ_TRY-like(parser.feed(pending));   // drop `used`, append more
//   }
//   Request request = parser.take();
//
// Bytes behind the request are left for the next one. Memory is bounded by the limits. Stateless
// beyond the object; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "http/http_message.h"

namespace pajamas::http {

struct RequestLimits {
  std::size_t head_bytes = std::size_t{64} << 10;  // request line and all headers
  std::size_t target_bytes = std::size_t{8} << 10;
  std::size_t header_bytes = std::size_t{8} << 10;  // name and value of one header
  std::size_t headers = 100;
  std::uint64_t body_bytes = std::uint64_t{32} << 20;
};

struct ParseFailure {
  int status = 400;  // what to answer
  std::string message;
};

class RequestParser {
 public:
  explicit RequestParser(const RequestLimits& limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  // Takes what it can of `bytes`, which begin where the last call stopped, and says how much that
  // was. Stops behind the head and behind the body. After a failure the parser is of no use.
  std::expected<std::size_t, ParseFailure> feed(std::string_view bytes);

  [[nodiscard]] bool has_head() const;  // request() has everything but the body
  [[nodiscard]] bool is_complete() const;
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] std::size_t body_bytes() const;  // received so far

  [[nodiscard]] Request& request();
  // With the body. Once, when complete.
  [[nodiscard]] Request take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pajamas::http
