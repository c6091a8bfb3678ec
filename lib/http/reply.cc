// SPDX-License-Identifier: Apache-2.0
#include "http/reply.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "http/reply_channel.h"

namespace pajamas::http {
namespace {

std::unexpected<Error> client_gone() {
  return make_error(ErrorCode::kCancelled, "the client has closed the connection");
}

}  // namespace

ReplyChannel::ReplyChannel(std::function<void()> wake, std::size_t max_pending_bytes)
    : wake_(std::move(wake)), max_pending_bytes_(max_pending_bytes) {}

void ReplyChannel::send(Response response) {
  {
    const std::lock_guard lock(mutex_);
    PJ_CHECK(!begun_);
    begun_ = true;
    head_ = std::move(response);
  }
  wake_();
}

Status ReplyChannel::begin(Response head) {
  {
    const std::lock_guard lock(mutex_);
    PJ_CHECK(!begun_);
    begun_ = true;
    is_stream_ = true;
    pending_ = std::exchange(head.body, {});
    head_ = std::move(head);
  }
  wake_();
  if (cancel_.is_cancelled()) return client_gone();
  return {};
}

Status ReplyChannel::write(std::string_view bytes) {
  {
    std::unique_lock lock(mutex_);
    PJ_CHECK(is_stream_ && !finished_);
    room_.wait(lock, [&] {
      return cancel_.is_cancelled() || pending_.empty() ||
             pending_.size() + bytes.size() <= max_pending_bytes_;
    });
    if (cancel_.is_cancelled()) return client_gone();
    pending_ += bytes;
  }
  wake_();
  return {};
}

void ReplyChannel::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  wake_();
}

bool ReplyChannel::has_begun() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

ReplyChannel::News ReplyChannel::take() {
  News news;
  {
    const std::lock_guard lock(mutex_);
    news.head = std::exchange(head_, std::nullopt);
    news.is_stream = is_stream_;
    news.bytes = std::exchange(pending_, {});
    news.finished = finished_;
  }
  room_.notify_all();
  return news;
}

void ReplyChannel::disconnect() {
  {
    const std::lock_guard lock(mutex_);
    cancel_.cancel();
  }
  room_.notify_all();
}

Reply::Reply(std::shared_ptr<ReplyChannel> channel) : channel_(std::move(channel)) {}
void Reply::send(Response response) { channel_->send(std::move(response)); }
Status Reply::begin(Response head) { return channel_->begin(std::move(head)); }
Status Reply::write(std::string_view bytes) { return channel_->write(bytes); }

Status Reply::begin_events() {
  return begin({.content_type = "text/event-stream",
                // X-Accel-Buffering: reverse proxies must not collect events.
                .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}});
}

Status Reply::write_event(std::string_view data, std::string_view name) {
  if (name.empty()) return write(fmt::format("data: {}\n\n", data));
  return write(fmt::format("event: {}\ndata: {}\n\n", name, data));
}

const CancelToken& Reply::cancel() const { return channel_->cancel(); }
bool Reply::has_begun() const { return channel_->has_begun(); }

}  // namespace pajamas::http
