// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.h"

#include <gtest/gtest.h>

namespace pajamas::http {
namespace {

// Feeds `text` in steps of `step` bytes; the status of the failure, or 0.
int status_of(RequestParser& parser, std::string_view text, std::size_t step) {
  std::string pending;
  for (std::size_t at = 0; at < text.size(); at += step) {
    pending += text.substr(at, step);
    while (!parser.is_complete() && !pending.empty()) {
      const auto used = parser.feed(pending);
      if (!used) return used.error().status;
      pending.erase(0, *used);
      if (*used == 0) break;
    }
  }
  return 0;
}

int status_of(std::string_view text, const RequestLimits& limits = {}) {
  RequestParser parser(limits);
  return status_of(parser, text, text.size());
}

constexpr std::string_view kPost =
    "POST /v1/x?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

TEST(RequestParser, ReadsTheSameRequestHoweverItIsCut) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, kPost.size()}) {
    RequestParser parser({});
    ASSERT_EQ(status_of(parser, kPost, step), 0);
    ASSERT_TRUE(parser.is_complete());
    const Request request = parser.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/v1/x");
    EXPECT_EQ(request.query, "q=1");
    EXPECT_EQ(request.header("host"), "a");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(request.keep_alive);
  }
}

TEST(RequestParser, StopsBehindTheHeadAndBehindTheBody) {
  RequestParser parser({});
  const std::string text = std::string(kPost) + "GET /next HTTP/1.1\r\n";
  const auto head = parser.feed(text);
  ASSERT_TRUE(head && parser.has_head());
  EXPECT_FALSE(parser.is_complete());
  const auto body = parser.feed(std::string_view(text).substr(*head));
  ASSERT_TRUE(body);
  EXPECT_EQ(*head + *body, kPost.size());
}

TEST(RequestParser, ReadsChunkedBodies) {
  RequestParser parser({});
  EXPECT_EQ(status_of(parser,
                      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
                      1),
            0);
  ASSERT_TRUE(parser.is_complete());
  EXPECT_EQ(parser.take().body, "abcde");
}

TEST(RequestParser, AnswersEachKindOfBadRequestWithItsStatus) {
  struct Case {
    const char* text;
    int status;
  };
  const Case cases[] = {
      {"NONSENSE\r\n\r\n", 400},
      {"GET / HTTP/9.9\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nno colon here\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n", 415},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 33554433\r\n\r\n", 413},
  };
  for (const Case& test : cases) EXPECT_EQ(status_of(test.text), test.status) << test.text;
}

TEST(RequestParser, RefusesHeadsBeyondTheLimits) {
  const std::string long_target = "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n";
  EXPECT_EQ(status_of(long_target), 414);
  const std::string long_header = "GET / HTTP/1.1\r\nX: " + std::string(9000, 'a') + "\r\n\r\n";
  EXPECT_EQ(status_of(long_header), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int count = 0; count < 101; ++count) many += "X: y\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
}

TEST(RequestParser, RefusesALineThatNeverEndsBeforeItIsHeld) {
  RequestParser parser({.head_bytes = 1000});
  EXPECT_EQ(status_of(parser, "GET /" + std::string(100'000, 'a'), 64), 431);
}

TEST(RequestParser, RefusesChunkedBodiesBeyondTheLimit) {
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "ffffffffff\r\n",
                      {.body_bytes = 1000}),
            413);
}

}  // namespace
}  // namespace pajamas::http
