// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/heap.h"
#include "http/error_response.h"
#include "http/reply.h"
#include "http/reply_channel.h"
#include "http/request_parser.h"

namespace pajamas::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
template <typename T>
using Task = asio::awaitable<T>;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kWriteSliceBytes = 64 << 10;
constexpr std::size_t kBodyStepBytes = 256 << 10;  // the body must move on this far per timeout
// What a client may send ahead while its request runs; more waits in the system's buffers.
constexpr std::size_t kMaxAheadBytes = 64 << 10;
// After a refusal: how long and how much of what the client still sends is read, because closing
// at once would reset the connection and take the answer with it.
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr std::size_t kLingerBytes = 4 << 20;
constexpr std::size_t kLoggedTargetBytes = 256;
// What handlers make of larger bodies, JSON above all, is given back to the system when it is
// freed.
constexpr std::size_t kLargeBodyBytes = 1 << 20;

// "Thu, 26 Nov 2026 01:00:00 GMT"
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

bool is_plain_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string make_request_id() {
  static const std::uint64_t base = std::random_device{}();
  static std::atomic<std::uint64_t> next{0};  // of all servers of the process
  return fmt::format("req-{:08x}{:08x}", base & 0xFFFFFFFFU, ++next);
}

}  // namespace

// g++ 12 destroys some temporaries in the operand of co_await twice: what is awaited here takes
// references to named objects.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerCore& core, tcp::socket socket, std::string peer)
      : core_(core),
        socket_(std::move(socket)),
        deadline_(core.io),
        wake_(core.io),
        peer_(std::move(peer)) {
    core_.connections.insert(this);
    ++core_.connections_total;
    ++core_.connections_now;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    core_.connections.erase(this);
    --core_.connections_now;
  }

  Task<void> run() {
    const auto self = shared_from_this();  // until the end of this coroutine
    bool keep = true;
    for (bool first = true; keep; first = false) {
      RequestParser parser(core_.options.request);
      keep = co_await read_head(parser, first) && co_await serve(parser);
    }
    if (must_linger_) co_await linger();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  void drain() {
    if (is_idle_) abort();
  }
  void cancel_request() {
    if (channel_) channel_->disconnect();
  }
  void abort() {
    cancel_request();
    is_gone_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    wake_.cancel();
  }

 private:
  // Cancels what waits on the socket when it takes longer than `time`.
  void arm(std::chrono::milliseconds time) {
    timed_out_ = false;
    deadline_.expires_after(time);
    const std::uint64_t generation = ++deadline_generation_;
    deadline_.async_wait([self = weak_from_this(), generation](boost::system::error_code error) {
      const auto connection = self.lock();
      if (error || !connection || connection->deadline_generation_ != generation) return;
      connection->timed_out_ = true;
      connection->socket_.cancel(error);
    });
  }
  void disarm() {
    ++deadline_generation_;
    deadline_.cancel();
  }

  // Appends to input_. False at the end of the stream, on an error and after the deadline.
  Task<bool> read_some() {
    // Waits without a buffer of its own: thousands of idle connections cost little.
    while (true) {
      const auto [error] = co_await socket_.async_wait(tcp::socket::wait_read, kAwait);
      if (error) co_return false;
      const boost::system::error_code received = receive();
      if (received != asio::error::would_block) co_return !received;
    }
  }

  // Takes what has arrived, without waiting.
  boost::system::error_code receive() {
    boost::system::error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(core_.received), error);
    input_.append(core_.received.data(), count);
    return error;
  }

  Task<bool> write_all(std::string_view bytes) {
    while (!bytes.empty() && !is_gone_) {
      const std::string_view slice = bytes.substr(0, kWriteSliceBytes);
      arm(core_.options.write_timeout);
      const auto [error, count] =
          co_await asio::async_write(socket_, asio::buffer(slice.data(), slice.size()), kAwait);
      disarm();
      if (error) note_gone();
      bytes.remove_prefix(count);
    }
    co_return !is_gone_;
  }

  void note_gone() {
    is_gone_ = true;
    cancel_request();
  }

  Task<bool> read_head(RequestParser& parser, bool is_first) {
    const ServerOptions& options = core_.options;
    record_ = {.peer = peer_};
    started_ = Clock::now();
    arm(is_first ? options.head_timeout : options.idle_timeout);
    bool has_begun = false;
    while (true) {
      if (!input_.empty()) {
        if (!std::exchange(has_begun, true)) {
          started_ = Clock::now();
          arm(options.head_timeout);
        }
        const auto used = parser.feed(input_);
        if (!used) {
          co_await refuse(used.error());
          co_return false;
        }
        input_.erase(0, *used);
        if (parser.has_head()) break;
      }
      if (core_.stopping && !has_begun) co_return false;
      is_idle_ = !has_begun;
      const bool has_more = co_await read_some();
      is_idle_ = false;
      if (!has_more) {
        const bool is_slow = timed_out_ && has_begun;
        disarm();
        const ParseFailure failure{408, "the request came too slowly"};
        if (is_slow) co_await refuse(failure);
        co_return false;
      }
    }
    disarm();
    co_return true;
  }

  // Whether the connection goes on.
  Task<bool> serve(RequestParser& parser) {
    Request& head = parser.request();
    const std::string_view given_id = head.header("X-Request-Id");
    head.id = is_plain_id(given_id) ? std::string(given_id) : make_request_id();
    head.peer = peer_;
    ++core_.requests_total;
    record_.id = head.id;
    record_.method = printable_line(head.method, 32);
    record_.target = printable_line(head.target, kLoggedTargetBytes);
    method_ = head.method;
    minor_version_ = head.minor_version;
    keep_alive_ = head.keep_alive && !core_.stopping;
    cors_ = core_.policy.cors_headers(head);

    RouteMatch match;
    if (auto refusal = admit(head, match)) {
      if (!parser.is_complete()) must_linger_ = true;
      co_return co_await answer(*refusal) && !must_linger_;
    }
    bool keep = false;
    if (co_await read_body(parser)) {
      Request request = parser.take();
      request.parameters = std::move(match.parameters);
      keep = co_await run_handler(request, *match.route);
    }
    core_.body_bytes -= std::exchange(counted_body_bytes_, 0);
    co_return keep;
  }

  // The answer instead, when the request is not to reach a handler.
  std::optional<Response> admit(const Request& head, RouteMatch& match) {
    if (auto refusal = core_.policy.check_source(head)) return refusal;
    if (auto preflight = core_.policy.answer_preflight(head)) return preflight;
    match = core_.router.find(head.method, head.path);
    const bool is_public = match.route != nullptr && match.route->access == Access::kPublic;
    if (!is_public) {
      if (auto refusal = core_.policy.check_token(head, Clock::now())) return refusal;
    }
    if (match.route != nullptr) return std::nullopt;
    if (match.allowed_methods.empty()) {
      return error_response(
          {.status = 404,
           .message = fmt::format("there is no '{}' here", printable_line(head.path, 200))});
    }
    Response response = error_response(
        {.status = 405,
         .message = fmt::format("'{}' takes {}, not {}", printable_line(head.path, 200),
                                match.allowed_methods, printable_line(head.method, 32))});
    response.headers.push_back({"Allow", match.allowed_methods});
    return response;
  }

  Task<bool> read_body(RequestParser& parser) {
    if (parser.expects_continue() && !parser.is_complete() && input_.empty()) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await write_all(kContinue)) co_return false;
    }
    std::size_t step_end = 0;
    while (!parser.is_complete()) {
      if (!input_.empty()) {
        const auto used = parser.feed(input_);
        if (!used) co_return co_await refuse(used.error());
        input_.erase(0, *used);
        if (*used == 0 && input_.size() > core_.options.request.head_bytes) {
          const ParseFailure failure{400, "a chunk's header is too long"};
          co_return co_await refuse(failure);
        }
        if (!count_body(parser.body_bytes())) {
          const ParseFailure failure{503, "too many large requests at once; try again later"};
          co_return co_await refuse(failure);
        }
        if (parser.is_complete() || *used > 0) continue;
      }
      if (parser.body_bytes() >= step_end) {
        step_end = parser.body_bytes() + kBodyStepBytes;
        arm(core_.options.body_timeout);
      }
      if (!co_await read_some()) {
        const bool is_slow = timed_out_;
        disarm();
        const ParseFailure failure{408, "the body came too slowly"};
        if (is_slow) co_await refuse(failure);
        co_return false;
      }
    }
    disarm();
    record_.request_bytes = parser.body_bytes();
    co_return true;
  }

  bool count_body(std::size_t bytes) {
    core_.body_bytes += bytes - counted_body_bytes_;
    counted_body_bytes_ = bytes;
    return core_.body_bytes <= core_.options.body_bytes_of_all;
  }

  Task<bool> run_handler(Request& request, const Route& route) {
    channel_ = std::make_shared<ReplyChannel>(
        [self = weak_from_this(), &io = core_.io] {
          asio::post(io, [self] {
            if (const auto connection = self.lock()) connection->wake_.cancel();
          });
        },
        core_.options.pending_write_bytes);
    // std::function wants what it holds to be copyable; the pool and nobody else uses it.
    auto shared_request = std::make_shared<Request>(std::move(request));
    auto work = [request = std::move(shared_request), channel = channel_, &route] {
      Reply reply(channel);
      if (!channel->cancel().is_cancelled()) call_handler(route, *request, reply);
      const bool was_large = request->body.size() >= kLargeBodyBytes;
      *request = {};
      channel->finish();
      if (was_large) give_back_free_memory();
    };
    HandlerPool& pool = route.lane == Lane::kQuick ? core_.quick : core_.lengthy;
    bool keep = false;
    if (pool.submit(std::move(work))) {
      start_watch(route.lane);
      keep = co_await forward_answer();
      co_await stop_watch();
    } else {
      Response full = error_response(
          {.status = 429,
           .message = "the server has as many requests as it can hold; try again later",
           .retry_after_s = 1});
      keep = co_await answer(full);
    }
    channel_.reset();
    co_return keep && !is_gone_;
  }

  static void call_handler(const Route& route, const Request& request, Reply& reply) {
    std::string problem = "the handler gave no answer";
    try {
      route.handler(request, reply);
    } catch (const std::exception& exception) {  // of a library, such as std::bad_alloc
      problem = exception.what();
    }
    if (!reply.has_begun() && !reply.cancel().is_cancelled()) {
      reply.send(error_response({.status = 500, .message = "internal error: " + problem}));
    }
  }

  // Sends what the handler says until it has finished.
  Task<bool> forward_answer() {
    bool has_head = false;
    bool is_stream = false;
    bool is_chunked = false;
    auto ping = std::chrono::milliseconds::max();
    while (!is_gone_) {
      ReplyChannel::News news = channel_->take();
      const bool has_news = news.head || !news.bytes.empty();
      if (news.head) {
        has_head = true;
        is_stream = news.is_stream;
        if (!is_stream) co_return co_await answer(*news.head);
        is_chunked = minor_version_ == 1;
        if (!is_chunked) keep_alive_ = false;
        if (news.head->content_type == "text/event-stream") ping = core_.options.event_ping;
        const auto framing = is_chunked ? BodyFraming::kChunked : BodyFraming::kUntilClose;
        const std::string head = head_of(*news.head, framing);
        if (!co_await write_all(head)) break;
      }
      if (!news.bytes.empty()) {
        record_.response_bytes += news.bytes.size();
        if (is_chunked) news.bytes = write_chunk(news.bytes);
        if (!co_await write_all(news.bytes)) break;
      }
      if (news.finished) {
        if (!has_head) {
          Response stopping = stopping_response();
          co_return co_await answer(stopping);
        }
        // A stream that was cut short must not look complete.
        const bool is_whole = !channel_->cancel().is_cancelled();
        if (is_chunked && is_whole) co_await write_all(kLastChunk);
        finish_record();
        co_return keep_alive_&& is_whole && !is_gone_;
      }
      if (has_news) continue;
      if (co_await sleep_until_woken(ping)) {
        std::string comment = ":\n\n";
        if (is_chunked) comment = write_chunk(comment);
        if (!co_await write_all(comment)) break;
      }
    }
    finish_record();
    co_return false;
  }

  static Response stopping_response() {
    return error_response({.status = 503, .message = "the server is stopping", .retry_after_s = 1});
  }

  // Whether it slept all of `time`.
  Task<bool> sleep_until_woken(std::chrono::milliseconds time) {
    if (time == std::chrono::milliseconds::max()) {
      wake_.expires_at(Clock::time_point::max());
    } else {
      wake_.expires_after(time);
    }
    const auto [error] = co_await wake_.async_wait(kAwait);
    co_return !error;
  }

  // Notices, while a handler works, that the client goes away. Keeps what it sends ahead.
  void start_watch(Lane lane) {
    if (input_.size() >= kMaxAheadBytes) return;
    is_watching_ = true;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this(), lane](boost::system::error_code error) {
                         self->is_watching_ = false;
                         if (!error) error = self->receive();
                         if (error == asio::error::would_block) error.clear();
                         if (!error && !self->must_stop_watch_) {
                           self->start_watch(lane);
                         } else if (error && error != asio::error::operation_aborted) {
                           self->keep_alive_ = false;
                           // Nobody would see a long answer; a short one may go to a client that
                           // only closed its own side.
                           if (lane == Lane::kLong) self->note_gone();
                         }
                         self->wake_.cancel();
                       });
  }

  Task<void> stop_watch() {
    must_stop_watch_ = true;
    boost::system::error_code ignored;
    if (is_watching_) socket_.cancel(ignored);
    while (is_watching_) co_await sleep_until_woken(std::chrono::milliseconds::max());
    must_stop_watch_ = false;
  }

  std::string head_of(Response& response, BodyFraming framing) {
    record_.status = response.status;
    response.headers.push_back({"Date", http_date()});
    if (!record_.id.empty()) response.headers.push_back({"X-Request-Id", record_.id});
    response.headers.push_back({"X-Content-Type-Options", "nosniff"});
    response.headers.push_back({"Referrer-Policy", "no-referrer"});
    response.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
    response.headers.insert(response.headers.end(), cors_.begin(), cors_.end());
    return write_head(response, {.framing = framing,
                                 .keep_alive = keep_alive_ && !must_linger_,
                                 .minor_version = minor_version_});
  }

  // A whole answer. Whether the connection goes on.
  Task<bool> answer(Response& response) {
    if (core_.stopping) keep_alive_ = false;
    std::string bytes = head_of(response, BodyFraming::kLength);
    if (method_ != "HEAD") {
      record_.response_bytes = response.body.size();
      bytes += response.body;
    }
    co_await write_all(bytes);
    finish_record();
    co_return keep_alive_ && !is_gone_;
  }

  // An answer after which the connection is of no use.
  Task<bool> refuse(const ParseFailure& failure) {
    disarm();
    must_linger_ = true;
    Response response = error_response({.status = failure.status,
                                        .message = failure.message,
                                        .retry_after_s = failure.status == 503 ? 1 : 0});
    co_await answer(response);
    co_return false;
  }

  void finish_record() {
    record_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    if (core_.options.log) core_.options.log(record_);
  }

  Task<void> linger() {
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    arm(kLingerTime);
    for (std::size_t total = 0; total < kLingerBytes && !is_gone_;) {
      input_.clear();
      if (!co_await read_some()) break;
      total += input_.size();
    }
    disarm();
  }

  ServerCore& core_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer wake_;
  std::uint64_t deadline_generation_ = 0;
  bool timed_out_ = false;

  std::string peer_;
  std::string input_;  // received and not yet read
  bool is_idle_ = false;
  bool is_gone_ = false;
  bool must_linger_ = false;

  // Of the request at hand.
  std::string method_;
  int minor_version_ = 1;
  bool keep_alive_ = false;
  std::vector<Header> cors_;
  AccessRecord record_;
  Clock::time_point started_{};
  std::size_t counted_body_bytes_ = 0;
  std::shared_ptr<ReplyChannel> channel_;  // shared with the handler
  bool is_watching_ = false;
  bool must_stop_watch_ = false;
};

void start_connection(ServerCore& core, AcceptedSocket accepted) {
  boost::system::error_code error;
  tcp::socket socket(core.io);
  socket.assign(accepted.is_v6 ? tcp::v6() : tcp::v4(), accepted.descriptor, error);
  if (error) return;
  socket.set_option(tcp::no_delay(true), error);
  socket.non_blocking(true, error);
  auto connection = std::make_shared<Connection>(core, std::move(socket), std::move(accepted.peer));
  asio::co_spawn(core.io, [connection] { return connection->run(); }, asio::detached);
}

void drain(Connection& connection) { connection.drain(); }
void cancel_request(Connection& connection) { connection.cancel_request(); }
void abort_connection(Connection& connection) { connection.abort(); }

}  // namespace pajamas::http
