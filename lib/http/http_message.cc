// SPDX-License-Identifier: Apache-2.0
#include "http/http_message.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/check.h"

namespace pajamas::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_without_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  if (std::ranges::any_of(name, is_control) || std::ranges::any_of(value, is_control)) return;
  fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
}

struct StatusReason {
  int status;
  std::string_view reason;
};

constexpr auto kReasons = std::to_array<StatusReason>({
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

}  // namespace

const std::string* find_header(const std::vector<Header>& headers, std::string_view name) {
  const auto found = std::ranges::find_if(
      headers, [&](const Header& header) { return equal_without_case(header.name, name); });
  return found == headers.end() ? nullptr : &found->value;
}

std::string_view Request::header(std::string_view name) const {
  const std::string* value = find_header(headers, name);
  return value == nullptr ? std::string_view{} : std::string_view(*value);
}

bool Request::has_header(std::string_view name) const {
  return find_header(headers, name) != nullptr;
}

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::string_view status_reason(int status) {
  const auto* found = std::ranges::find(kReasons, status, &StatusReason::status);
  return found == kReasons.end() ? "Unknown" : found->reason;
}

std::string write_head(const Response& response, const HeadOptions& options) {
  std::string head = fmt::format("HTTP/1.{} {} {}\r\n", options.minor_version, response.status,
                                 status_reason(response.status));
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_body) append_header(head, "Content-Type", response.content_type);
  if (has_body && options.framing == BodyFraming::kLength) {
    append_header(head, "Content-Length", std::to_string(response.body.size()));
  }
  if (has_body && options.framing == BodyFraming::kChunked) {
    append_header(head, "Transfer-Encoding", "chunked");
  }
  append_header(head, "Connection", options.keep_alive ? "keep-alive" : "close");
  for (const Header& header : response.headers) append_header(head, header.name, header.value);
  head += "\r\n";
  return head;
}

std::string write_chunk(std::string_view bytes) {
  PJ_CHECK(!bytes.empty());
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

bool percent_decode(std::string_view text, std::string& decoded) {
  decoded.clear();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    if (text.size() - at < 3) return false;
    const auto high = hex_value(text[at + 1]);
    const auto low = hex_value(text[at + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return false;
    decoded += static_cast<char>(*high * 16 + *low);
    at += 2;
  }
  return true;
}

std::string printable_line(std::string_view text, std::size_t max_bytes) {
  std::string line(text.substr(0, max_bytes));
  std::ranges::replace_if(line, [](char c) { return is_control(c) || c == '\t'; }, '?');
  return line;
}

}  // namespace pajamas::http
