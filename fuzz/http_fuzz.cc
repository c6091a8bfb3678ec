// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a client sends, cut where the first byte says; and its target as a path for
// the router.
#include <algorithm>

#include "http/request_parser.h"
#include "http/router.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  if (bytes == 0) return 0;
  const std::string text(data + 1, data + bytes);
  const std::size_t step = data[0] == 0 ? text.size() : data[0];
  pajamas::http::Router router;
  const pajamas::http::Handler handler = [](const auto&, auto&) {};
  router.add({.method = "GET", .pattern = "/v1/models/{id...}", .handler = handler});
  router.add({.method = "POST", .pattern = "/jobs/{id}/log", .handler = handler});
  pajamas::http::RequestParser parser({.head_bytes = 4096, .body_bytes = 4096});
  std::string pending;
  for (std::size_t at = 0; at < text.size() && !parser.is_complete(); at += step) {
    pending += text.substr(at, step);
    for (std::size_t used = 1; used > 0 && !pending.empty() && !parser.is_complete();) {
      const auto fed = parser.feed(pending);
      if (!fed) return 0;
      used = *fed;
      pending.erase(0, used);
    }
  }
  if (!parser.is_complete()) return 0;
  const pajamas::http::Request request = parser.take();
  static_cast<void>(router.find(request.method, request.path));
  return 0;
}
