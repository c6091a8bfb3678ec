// SPDX-License-Identifier: Apache-2.0
// A client for tests that sends exactly the bytes it is told to, well-formed or not.
//
// Every wait ends after a few seconds, so a server that hangs fails a test instead of stopping it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace pajamas::http::testing_support {

class RawClient {
 public:
  explicit RawClient(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* raw = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    is_connected_ = ::connect(descriptor_, raw, sizeof(address)) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        is_connected_(other.is_connected_),
        received_(std::move(other.received_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  [[nodiscard]] bool is_connected() const { return is_connected_; }

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  // False when the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Waits for `text`; everything up to its end, or everything there is when it does not come.
  std::string receive_until(std::string_view text, int timeout_ms = 5000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (received_.find(text) == std::string::npos && receive_some(end)) {
    }
    const std::size_t at = received_.find(text);
    const std::size_t bytes = at == std::string::npos ? received_.size() : at + text.size();
    std::string result = received_.substr(0, bytes);
    received_.erase(0, bytes);
    return result;
  }

  // Everything until the server closes.
  std::string receive_all(int timeout_ms = 5000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (receive_some(end)) {
    }
    return std::exchange(received_, {});
  }

  // One answer with a Content-Length, head and body.
  std::string receive_answer() {
    std::string answer = receive_until("\r\n\r\n");
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t at = answer.find(kLength);
    if (at == std::string::npos) return answer;
    const auto length = static_cast<std::size_t>(std::stoul(answer.substr(at + kLength.size())));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (received_.size() < length && receive_some(end)) {
    }
    const std::size_t bytes = std::min(length, received_.size());
    answer += received_.substr(0, bytes);
    received_.erase(0, bytes);
    return answer;
  }

  [[nodiscard]] bool is_closed_by_server(int timeout_ms = 5000) {
    receive_all(timeout_ms);
    return has_ended_;
  }

 private:
  bool receive_some(std::chrono::steady_clock::time_point end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd poll_entry{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&poll_entry, 1, static_cast<int>(left.count())) <= 0) {
      return false;
    }
    char bytes[16384];
    const ssize_t count = ::recv(descriptor_, bytes, sizeof(bytes), 0);
    if (count <= 0) {
      has_ended_ = true;
      return false;
    }
    received_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int descriptor_;
  bool is_connected_ = false;
  bool has_ended_ = false;
  std::string received_;
};

inline std::string get(std::string_view path, std::string_view headers = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, headers);
}

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = {}) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n{}\r\n{}",
      path, body.size(), headers, body);
}

}  // namespace pajamas::http::testing_support
