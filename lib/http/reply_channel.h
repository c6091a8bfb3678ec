// SPDX-License-Identifier: Apache-2.0
// What a handler thread has to say to its connection, and the other way round. Internal to the
// server; handlers see Reply.
//
// Thread-safe. The handler's side blocks, the connection's side never does.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "http/http_message.h"

namespace pajamas::http {

class ReplyChannel {
 public:
  // `wake` is called, from the handler's thread, when there is news for the connection.
  ReplyChannel(std::function<void()> wake, std::size_t max_pending_bytes);

  // The handler's side.
  void send(Response response);
  Status begin(Response head);
  Status write(std::string_view bytes);
  void finish();  // the handler has returned
  [[nodiscard]] bool has_begun() const;
  [[nodiscard]] const CancelToken& cancel() const { return cancel_; }

  // The connection's side. take(): what has come since the last call.
  struct News {
    std::optional<Response> head{};
    bool is_stream = false;  // of the head: body follows in `bytes`
    std::string bytes{};
    bool finished = false;
  };
  [[nodiscard]] News take();
  void disconnect();

 private:
  std::function<void()> wake_;
  std::size_t max_pending_bytes_;
  CancelToken cancel_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable room_;
  std::optional<Response> head_;
  bool begun_ = false;
  bool is_stream_ = false;
  std::string pending_;
  bool finished_ = false;
};

}  // namespace pajamas::http
