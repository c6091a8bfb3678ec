// SPDX-License-Identifier: Apache-2.0
// One client's connection: reads requests, has them answered, writes the answers, in order.
// Internal to the server. All functions are for the IO thread; connections own themselves.
#pragma once

#include <string>

#include "http/server_core.h"

namespace pajamas::http {

struct AcceptedSocket {
  int descriptor = -1;  // goes over to the connection
  bool is_v6 = false;
  std::string peer;  // address
};

void start_connection(ServerCore& core, AcceptedSocket socket);

// No further requests: closes it when it is idle, else after the answer.
void drain(Connection& connection);
// Tells the handler to stop.
void cancel_request(Connection& connection);
void abort_connection(Connection& connection);

}  // namespace pajamas::http
