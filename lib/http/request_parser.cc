// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.h"

#include <limits>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/check.h"

namespace pajamas::http {
namespace {

namespace beast = boost::beast;
using BeastParser = beast::http::request_parser<beast::http::string_body>;

std::string to_string(boost::core::string_view text) { return {text.data(), text.size()}; }

ParseFailure failure_of(const beast::error_code& error, const RequestLimits& limits) {
  using Code = beast::http::error;
  if (error == Code::header_limit) {
    return {431, fmt::format("the request's head is longer than {} bytes", limits.head_bytes)};
  }
  if (error == Code::body_limit) {
    return {413, fmt::format("the request's body is larger than {} bytes", limits.body_bytes)};
  }
  if (error == Code::bad_version) return {505, "expected HTTP/1.0 or HTTP/1.1"};
  return {400, fmt::format("the request is not well-formed HTTP: {}", error.message())};
}

}  // namespace

struct RequestParser::State {
  RequestLimits limits;
  BeastParser parser;
  Request request{};
  std::size_t head_bytes = 0;
  bool has_head = false;
  bool expects_continue = false;

  std::expected<void, ParseFailure> read_head();
};

RequestParser::RequestParser(const RequestLimits& limits) : state_(std::make_unique<State>()) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  state_->limits = limits;
  state_->parser.header_limit(static_cast<std::uint32_t>(std::min(limits.head_bytes, kMost)));
  state_->parser.body_limit(limits.body_bytes);
  state_->parser.eager(false);
}

RequestParser::~RequestParser() = default;

std::expected<std::size_t, ParseFailure> RequestParser::feed(std::string_view bytes) {
  State& state = *state_;
  std::size_t used = 0;
  while (!state.parser.is_done() && used < bytes.size()) {
    beast::error_code error;
    const std::string_view rest = bytes.substr(used);
    const std::size_t step = state.parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    used += step;
    if (!state.has_head) state.head_bytes += step;
    if (error == beast::http::error::need_more) {
      // Beast counts the head only where it could read it: a line that never ends counts too.
      if (!state.has_head && state.head_bytes + (rest.size() - step) > state.limits.head_bytes) {
        return std::unexpected(failure_of(beast::http::error::header_limit, state.limits));
      }
      break;
    }
    if (error) return std::unexpected(failure_of(error, state.limits));
    if (state.parser.is_header_done() && !state.has_head) {
      if (auto read = state.read_head(); !read) return std::unexpected(read.error());
      state.parser.eager(true);
      break;  // the caller looks at the head before it takes a body
    }
    if (step == 0) break;
  }
  return used;
}

std::expected<void, ParseFailure> RequestParser::State::read_head() {
  const auto& message = parser.get();
  request.method = to_string(message.method_string());
  request.target = to_string(message.target());
  if (request.target.size() > limits.target_bytes) {
    return std::unexpected(ParseFailure{
        414, fmt::format("the request's target is longer than {} bytes", limits.target_bytes)});
  }
  for (const auto& field : message) {
    if (request.headers.size() == limits.headers) {
      return std::unexpected(
          ParseFailure{431, fmt::format("the request has more than {} headers", limits.headers)});
    }
    Header header{to_string(field.name_string()), to_string(field.value())};
    if (header.name.size() + header.value.size() > limits.header_bytes) {
      return std::unexpected(ParseFailure{
          431,
          fmt::format("a header of the request is longer than {} bytes", limits.header_bytes)});
    }
    request.headers.push_back(std::move(header));
  }
  // "GET /path" only: no proxy requests ("GET http://...") and no "OPTIONS *".
  if (request.target.empty() || request.target.front() != '/') {
    return std::unexpected(ParseFailure{400, "the request's target must begin with '/'"});
  }
  const std::size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);

  const std::string* encoding = find_header(request.headers, "Transfer-Encoding");
  if (encoding != nullptr && !parser.chunked()) {
    return std::unexpected(
        ParseFailure{501, "the only transfer encoding of requests that is supported is chunked"});
  }
  if (find_header(request.headers, "Content-Encoding") != nullptr) {
    return std::unexpected(ParseFailure{415, "compressed request bodies are not supported"});
  }
  request.minor_version = message.version() >= 11 ? 1 : 0;
  request.keep_alive = message.keep_alive();
  expects_continue = beast::iequals(message[beast::http::field::expect], "100-continue");
  has_head = true;
  return {};
}

bool RequestParser::has_head() const { return state_->has_head; }
bool RequestParser::is_complete() const { return state_->has_head && state_->parser.is_done(); }
bool RequestParser::expects_continue() const { return state_->expects_continue; }
std::size_t RequestParser::body_bytes() const { return state_->parser.get().body().size(); }
Request& RequestParser::request() { return state_->request; }

Request RequestParser::take() {
  PJ_CHECK(is_complete());
  state_->request.body = std::move(state_->parser.get().body());
  return std::move(state_->request);
}

}  // namespace pajamas::http
