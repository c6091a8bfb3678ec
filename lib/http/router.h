// SPDX-License-Identifier: Apache-2.0
// Which handler answers a request: method and path, with parameters in the path.
//
//   router.add({.method = "GET", .pattern = "/v1/models/{id...}", .handler = ...});
//
// "{name}" stands for one segment, "{name...}" at the end for one or more; values are
// percent-decoded. Literal routes win over those with parameters, whatever the order. A route for
// GET answers HEAD too. Filled before the server starts, then read-only from any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http_message.h"

namespace pajamas::http {

class Reply;

// Runs on a handler thread and may block. Answers through `reply`; a handler that does not is a
// bug that the client sees as 500.
using Handler = std::function<void(const Request& request, Reply& reply)>;

// Which threads run a handler. Quick ones answer from memory within milliseconds, and never wait
// behind long ones.
enum class Lane { kQuick, kLong };

enum class Access { kToken, kPublic };  // kPublic: answers without a token

struct Route {
  std::string method;
  std::string pattern;
  Handler handler;
  Lane lane = Lane::kLong;
  Access access = Access::kToken;
};

struct RouteMatch {
  const Route* route = nullptr;  // null: see `allowed_methods`
  std::vector<std::pair<std::string, std::string>> parameters{};
  std::string allowed_methods{};  // of the path, "GET, HEAD"; empty: no such path
};

class Router {
 public:
  // A pattern that is malformed or there already is a bug of ours.
  void add(Route route);

  // Valid as long as no route is added.
  [[nodiscard]] RouteMatch find(std::string_view method, std::string_view path) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;
    int wildcards = 0;
  };
  std::vector<Entry> entries_;  // fewer wildcards first
};

}  // namespace pajamas::http
