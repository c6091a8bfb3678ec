// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server for APIs: loopback by default, bounded everywhere, streaming, stoppable.
//
//   Router router;
//   router.add({.method = "GET", .pattern = "/health", .handler = ..., .lane = Lane::kQuick});
//   auto server = PJ_TRY(Server::start({.port = 8080}, std::move(router)));
//   ...
//   server->stop();
//
// One thread does all input and output; handlers run on threads of their own (Lane). What a
// request may cost is in ServerOptions; what is refused, and with which status, in docs/server.md.
// No TLS: put a reverse proxy in front where that is wanted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "http/access_policy.h"
#include "http/handler_pool.h"
#include "http/request_parser.h"
#include "http/router.h"

namespace pajamas::http {

// One line of the access log.
struct AccessRecord {
  std::string id;
  std::string peer;
  std::string method;
  std::string target;  // without control characters, shortened
  int status = 0;      // 0: the client went away before there was an answer
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;  // of the body
  double seconds = 0.0;
};

struct ServerOptions {
  // "localhost" listens on 127.0.0.1 and, where there is one, ::1. Other than loopback wants a
  // token (or insecure_without_token).
  std::string host = "localhost";
  int port = 8080;  // 0: any free one
  bool insecure_without_token = false;
  AccessOptions access{};
  RequestLimits request{};
  std::uint64_t body_bytes_of_all = std::uint64_t{512} << 20;  // bodies being received
  int max_connections = 4096;

  std::chrono::milliseconds head_timeout{20'000};   // from the first byte to the end of the head
  std::chrono::milliseconds idle_timeout{75'000};   // between requests
  std::chrono::milliseconds body_timeout{30'000};   // for each 256 KiB
  std::chrono::milliseconds write_timeout{30'000};  // for each 64 KiB
  std::chrono::milliseconds event_ping{15'000};     // comment in an event stream that is silent
  std::chrono::milliseconds stop_grace{30'000};     // for requests that run when stop() comes

  HandlerPoolOptions quick{.threads = 2, .max_admitted = 256};
  HandlerPoolOptions lengthy{.threads = 16, .max_admitted = 512};
  std::size_t pending_write_bytes = std::size_t{256} << 10;  // of one answer, before write() waits

  std::function<void(const AccessRecord&)> log{};  // called on the IO thread
};

struct ServerCounts {
  std::uint64_t connections_total = 0;
  std::uint64_t requests_total = 0;
  int connections = 0;  // now
  int running = 0;      // handlers running or waiting for a thread
};

class Server {
 public:
  // Listens and serves when it returns. kInvalidArgument for an address that is none, or that
  // wants a token; kConflict when the port is taken.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Router router);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] ServerCounts counts() const;

  // Takes no new requests, lets those that run finish for stop_grace, cancels what is left, and
  // returns when all is done. Any thread but a handler's.
  void stop();

 private:
  struct State;

 public:
  explicit Server(std::unique_ptr<State> state);  // of start() alone

 private:
  std::unique_ptr<State> state_;
};

// A line for people: "127.0.0.1 POST /v1/completions 200 1234 B 0.512 s req-...".
std::string format_access_record(const AccessRecord& record);

}  // namespace pajamas::http
