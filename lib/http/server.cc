// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/connection.h"
#include "http/server_core.h"

namespace pajamas::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Files and pipes of the rest of the program.
constexpr rlim_t kOtherDescriptors = 128;
// Between telling handlers to stop and closing their connections.
constexpr auto kAbortDelay = std::chrono::seconds(2);

// As many connections as the process may have descriptors for.
int raise_descriptor_limit(int max_connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return max_connections;
  const rlim_t wanted = static_cast<rlim_t>(max_connections) + kOtherDescriptors;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  const rlim_t room = limit.rlim_cur > kOtherDescriptors ? limit.rlim_cur - kOtherDescriptors : 1;
  return static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(max_connections), room));
}

}  // namespace

struct Server::State {
  explicit State(const ServerOptions& options, Router router)
      : core(options, std::move(router), io), work(asio::make_work_guard(io)) {}

  asio::io_context io{1};
  std::list<tcp::acceptor> acceptors{};
  ServerCore core;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::thread io_thread{};
  std::once_flag stop_once{};
  int port = 0;

  Status listen(const asio::ip::address& address);
  Status listen_on_host();
  asio::awaitable<void> accept_from(tcp::acceptor& acceptor);
  void take(tcp::socket socket);
  void begin_stop();
  asio::awaitable<void> finish_stop();
};

Status Server::State::listen(const asio::ip::address& address) {
  boost::system::error_code error;
  tcp::acceptor acceptor(io);
  // The second address of "localhost" listens on the port that the first one got.
  const int wanted_port = port != 0 ? port : core.options.port;
  const tcp::endpoint endpoint(address, static_cast<std::uint16_t>(wanted_port));
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    const bool is_taken = error == asio::error::address_in_use;
    return make_error(is_taken ? ErrorCode::kConflict : ErrorCode::kIo,
                      "cannot listen on {} port {}: {}", address.to_string(), wanted_port,
                      error.message());
  }
  port = acceptor.local_endpoint(error).port();
  acceptors.push_back(std::move(acceptor));
  return {};
}

Status Server::State::listen_on_host() {
  const ServerOptions& options = core.options;
  if (options.port < 0 || options.port > 65535) {
    return make_error(ErrorCode::kInvalidArgument, "--port {}: expected 0 to 65535", options.port);
  }
  if (options.host == "localhost") {
    if (Status status = listen(asio::ip::address_v4::loopback()); !status) return status;
    // Machines without IPv6 have only the first.
    static_cast<void>(listen(asio::ip::address_v6::loopback()));
    return {};
  }
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--host '{}' is not an address; expected 127.0.0.1, ::1, 0.0.0.0, localhost",
                      options.host);
  }
  if (!address.is_loopback() && options.access.tokens.empty() && !options.insecure_without_token) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--host {} can be reached from other machines and there is no token: give "
                      "one with --api-key-file, or say --insecure to do without",
                      options.host);
  }
  return listen(address);
}

asio::awaitable<void> Server::State::accept_from(tcp::acceptor& acceptor) {
  asio::steady_timer pause(io);
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!error) {
      take(std::move(socket));
    } else if (acceptor.is_open()) {
      // Usually out of descriptors: some may be free again a little later.
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

void Server::State::take(tcp::socket socket) {
  boost::system::error_code error;
  if (core.connections.size() >= static_cast<std::size_t>(core.options.max_connections)) {
    constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    socket.non_blocking(true, error);
    socket.send(asio::buffer(kFull), 0, error);
    return;
  }
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return;
  AcceptedSocket accepted{.is_v6 = endpoint.address().is_v6(),
                          .peer = endpoint.address().to_string()};
  accepted.descriptor = socket.release(error);
  if (!error) start_connection(core, std::move(accepted));
}

void Server::State::begin_stop() {
  core.stopping = true;
  boost::system::error_code ignored;
  for (tcp::acceptor& acceptor : acceptors) acceptor.close(ignored);
  const std::vector<Connection*> connections(core.connections.begin(), core.connections.end());
  for (Connection* connection : connections) drain(*connection);
  asio::co_spawn(io, [this] { return finish_stop(); }, asio::detached);
}

asio::awaitable<void> Server::State::finish_stop() {
  asio::steady_timer timer(io);
  const auto wait_until_closed = [&](std::chrono::milliseconds time) -> asio::awaitable<void> {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!core.connections.empty() && std::chrono::steady_clock::now() < end) {
      timer.expires_after(std::chrono::milliseconds(10));
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  };
  co_await wait_until_closed(core.options.stop_grace);
  for (Connection* connection : core.connections) cancel_request(*connection);
  co_await wait_until_closed(kAbortDelay);
  const std::vector<Connection*> left(core.connections.begin(), core.connections.end());
  for (Connection* connection : left) abort_connection(*connection);
  work.reset();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Router router) {
  ServerOptions checked = options;
  checked.max_connections = raise_descriptor_limit(options.max_connections);
  // Names in DNS can point to a loopback address, but a token guards the others.
  if (!is_loopback_address(options.host)) checked.access.check_host = false;
  auto state = std::make_unique<State>(checked, std::move(router));
  if (Status status = state->listen_on_host(); !status) return std::unexpected(status.error());
  State* running = state.get();
  for (tcp::acceptor& acceptor : running->acceptors) {
    asio::co_spawn(
        running->io, [running, &acceptor] { return running->accept_from(acceptor); },
        asio::detached);
  }
  running->io_thread = std::thread([running] { running->io.run(); });
  return std::make_unique<Server>(std::move(state));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(); }

int Server::port() const { return state_->port; }

ServerCounts Server::counts() const {
  const ServerCore& core = state_->core;
  return {.connections_total = core.connections_total,
          .requests_total = core.requests_total,
          .connections = core.connections_now,
          .running = core.quick.admitted() + core.lengthy.admitted()};
}

void Server::stop() {
  std::call_once(state_->stop_once, [this] {
    asio::post(state_->io, [state = state_.get()] { state->begin_stop(); });
    state_->io_thread.join();
    state_->core.quick.stop();
    state_->core.lengthy.stop();
  });
}

std::string format_access_record(const AccessRecord& record) {
  return fmt::format("{} {} {} {} {} B {:.3f} s {}", record.peer, record.method, record.target,
                     record.status, record.response_bytes, record.seconds, record.id);
}

}  // namespace pajamas::http
