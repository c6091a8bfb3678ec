// SPDX-License-Identifier: Apache-2.0
// How a handler answers: at once, or piece by piece while it works.
//
//   reply.send(json_response(200, result));
//
//   PJ_TRY(reply.begin({.content_type = "text/event-stream"}));
//   while (...) PJ_TRY(reply.write("data: {}\n\n"));      // ends when the handler returns
//
// write() waits while the client reads slower than the handler writes, so memory is bounded, and
// gives kCancelled once the client has gone. cancel() says the same to work that does not write.
// Event streams are kept alive with comments while nothing else is sent. Used by one thread, the
// handler's.
#pragma once

#include <memory>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "http/http_message.h"

namespace pajamas::http {

class ReplyChannel;

class Reply {
 public:
  // The channel is shared with the connection that sends what is written.
  explicit Reply(std::shared_ptr<ReplyChannel> channel);

  // The whole answer. Once, and not after begin().
  void send(Response response);

  // The head of an answer whose body follows; the response's own body is its first piece.
  Status begin(Response head);
  Status write(std::string_view bytes);

  // begin() and write() for server-sent events. `name` is left out when empty; `data` has no line
  // breaks.
  Status begin_events();
  Status write_event(std::string_view data, std::string_view name = {});

  // Set when the client has gone or the server has to stop now.
  [[nodiscard]] const CancelToken& cancel() const;
  [[nodiscard]] bool has_begun() const;

 private:
  std::shared_ptr<ReplyChannel> channel_;
};

}  // namespace pajamas::http
