// SPDX-License-Identifier: Apache-2.0
// What the connections of one server share. Internal to the server.
//
// Used on the IO thread, but for the counters and for the handler pools.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_set>

#include "http/access_policy.h"
#include "http/handler_pool.h"
#include "http/router.h"
#include "http/server.h"

namespace boost::asio {
class io_context;
}

namespace pajamas::http {

class Connection;

struct ServerCore {
  ServerCore(const ServerOptions& server_options, Router routes, boost::asio::io_context& context)
      : options(server_options),
        router(std::move(routes)),
        policy(options.access),
        io(context),
        quick(options.quick),
        lengthy(options.lengthy) {}

  ServerOptions options;
  Router router;
  AccessPolicy policy;
  boost::asio::io_context& io;
  std::unordered_set<Connection*> connections{};  // each is there while it is open
  std::uint64_t body_bytes = 0;                   // of requests being received or answered
  bool stopping = false;
  std::array<char, 64 << 10> received{};  // what a connection has just read

  std::atomic<std::uint64_t> connections_total{0};
  std::atomic<std::uint64_t> requests_total{0};
  std::atomic<int> connections_now{0};

  HandlerPool quick;  // last: their threads end before what handlers use
  HandlerPool lengthy;
};

}  // namespace pajamas::http
