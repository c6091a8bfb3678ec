// SPDX-License-Identifier: Apache-2.0
#include "line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace pajamas::cli {
namespace {

constexpr std::string_view kBlockMark = "\"\"\"";
constexpr std::string_view kContinuation = "... ";
constexpr int kPasteWaitMs = 15;  // terminals deliver a paste within less
constexpr std::size_t kMaxMessageBytes = std::size_t{16} << 20;

bool is_terminal() {
  static const bool is = ::isatty(STDIN_FILENO) == 1;
  return is;
}

void show(std::string_view prompt) {
  if (!is_terminal()) return;
  fmt::print("{}", prompt);
  std::fflush(stdout);
}

}  // namespace

LineReader::LineReader() {
  // Without the pipe, which only a full table of files prevents, interrupts are not noticed.
  if (::pipe(interrupts_.data()) != 0) return;
  for (const int end : interrupts_) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
}

LineReader::~LineReader() {
  for (const int end : interrupts_) {
    if (end >= 0) ::close(end);
  }
}

void LineReader::interrupt() const {
  const int error = errno;
  // A full pipe has interrupts enough.
  [[maybe_unused]] const ssize_t written = ::write(interrupts_[1], "", 1);
  errno = error;
}

// False when interrupted.
bool LineReader::wait_for_input() {
  std::array<pollfd, 2> waits = {
      pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
      pollfd{.fd = interrupts_[0], .events = POLLIN, .revents = 0},
  };
  while (::poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) continue;
  if ((waits[1].revents & POLLIN) == 0) return true;
  std::array<char, 64> sent{};
  while (::read(interrupts_[0], sent.data(), sent.size()) > 0) continue;
  return false;
}

// Whether a line follows that nobody had the time to type.
bool LineReader::has_more_now() const {
  if (!is_terminal() || at_end_) return false;
  if (buffer_.find('\n') != std::string::npos) return true;
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, kPasteWaitMs) == 1;
}

std::optional<std::string> LineReader::read_line() {
  while (true) {
    const std::size_t line_end = buffer_.find('\n');
    if (line_end != std::string::npos) {
      std::string line = buffer_.substr(0, line_end);
      buffer_.erase(0, line_end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (at_end_ || buffer_.size() > kMaxMessageBytes) {
      if (buffer_.empty()) {
        end_ = End::kEndOfInput;
        return std::nullopt;
      }
      return std::exchange(buffer_, {});
    }
    if (!wait_for_input()) {
      end_ = End::kInterrupted;
      buffer_.clear();
      return std::nullopt;
    }
    std::array<char, 4096> chunk{};
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      at_end_ = true;
    } else {
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
}

std::optional<std::string> LineReader::read_message(std::string_view prompt) {
  end_ = End::kNone;
  show(prompt);
  std::optional<std::string> line = read_line();
  if (!line) return std::nullopt;
  if (*line == kBlockMark) {
    std::string message;
    while (true) {
      show(kContinuation);
      line = read_line();
      if (!line) return std::nullopt;
      if (*line == kBlockMark) return message;
      if (!message.empty()) message += '\n';
      message += *line;
    }
  }
  std::string message = *line;
  while (message.ends_with('\\') || (message.size() < kMaxMessageBytes && has_more_now())) {
    if (message.ends_with('\\')) {
      message.pop_back();
      show(kContinuation);
    }
    line = read_line();
    if (!line) return end_ == End::kInterrupted ? std::nullopt : std::optional(message);
    message += '\n';
    message += *line;
  }
  while (message.ends_with('\n')) message.pop_back();  // the line feed behind a pasted text
  return message;
}

}  // namespace pajamas::cli
