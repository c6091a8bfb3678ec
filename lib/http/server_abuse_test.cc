// SPDX-License-Identifier: Apache-2.0
// What clients do that mean harm or are broken: the server answers or closes, and goes on.
#include <sys/resource.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/reply.h"
#include "http/server.h"
#include "http/testing/raw_client.h"

namespace pajamas::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_support::get;
using testing_support::post;
using testing_support::RawClient;

std::unique_ptr<Server> start(ServerOptions options = {}) {
  options.port = 0;
  Router router;
  router.add(
      {.method = "POST", .pattern = "/echo", .handler = [](const Request& request, Reply& reply) {
         reply.send({.body = request.body});
       }});
  router.add({.method = "GET",
              .pattern = "/ok",
              .handler = [](const Request&, Reply& reply) { reply.send({.body = "{}"}); },
              .lane = Lane::kQuick});
  auto server = Server::start(options, std::move(router));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

void expect_alive(const Server& server) {
  RawClient client(server.port());
  client.send(get("/ok"));
  EXPECT_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(ServerAbuse, AnswersMalformedRequestsAndCloses) {
  const auto server = start();
  for (const char* text : {"\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
                           "GET / HTTP/1.1\r\n: x\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n"}) {
    RawClient client(server->port());
    client.send(text);
    EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 400")) << text;
  }
  expect_alive(*server);
}

TEST(ServerAbuse, RefusesOtherHostsAndSitesBeforeItLooksAtTheRoute) {
  const auto server = start();
  RawClient rebound(server->port());
  rebound.send("GET /nothing HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(rebound.receive_all(), StartsWith("HTTP/1.1 403"));
  RawClient cross_site(server->port());
  cross_site.send(post("/echo", "{}", "Origin: https://evil.example\r\n"));
  const std::string answer = cross_site.receive_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("Access-Control-Allow-Origin")));
  RawClient form(server->port());
  form.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
      "Content-Length: 2\r\n\r\n{}");
  EXPECT_THAT(form.receive_all(), StartsWith("HTTP/1.1 415"));
}

TEST(ServerAbuse, GivesUpOnHeadsAndBodiesThatDripIn) {
  const auto server = start({.head_timeout = milliseconds(200), .body_timeout = milliseconds(200)});
  RawClient head(server->port());
  RawClient body(server->port());
  body.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000\r\n\r\n");
  for (int count = 0; count < 40; ++count) {
    head.send("G");
    body.send("[");
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_THAT(head.receive_all(), StartsWith("HTTP/1.1 4"));
  EXPECT_THAT(body.receive_all(), StartsWith("HTTP/1.1 408"));
  expect_alive(*server);
}

TEST(ServerAbuse, ClosesConnectionsThatNeverSaySomething) {
  const auto server = start({.head_timeout = milliseconds(100)});
  RawClient client(server->port());
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(ServerAbuse, RefusesAHugeBodyBeforeItComes) {
  const auto server = start();
  RawClient client(server->port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 104857600\r\n\r\n");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 413"));
}

TEST(ServerAbuse, RefusesAHugeChunkedBodyAndGivesItsMemoryBack) {
  const auto server = start({.request = {.body_bytes = 4 << 20}});
  const std::string megabyte(1 << 20, ' ');
  for (int round = 0; round < 8; ++round) {
    RawClient client(server->port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    for (int chunk = 0; chunk < 5; ++chunk) client.send("100000\r\n" + megabyte + "\r\n");
    EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 413"));
  }
  for (int wait = 0; wait < 500 && server->counts().connections > 0; ++wait) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(server->counts().connections, 0);
}

TEST(ServerAbuse, BoundsTheBodiesOfAllRequestsTogether) {
  const auto server = start({.body_bytes_of_all = 100'000});
  const std::string half = "\"" + std::string(60'000, 'x');
  RawClient first(server->port());
  first.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 60002\r\n\r\n" +
      half);
  std::this_thread::sleep_for(milliseconds(50));
  RawClient second(server->port());
  second.send(post("/echo", half + "\""));
  EXPECT_THAT(second.receive_all(), StartsWith("HTTP/1.1 503"));
  first.send("\"");
  EXPECT_THAT(first.receive_answer(), StartsWith("HTTP/1.1 200"));
  // The room is free once the server has seen its answer off.
  std::string answer;
  for (int tries = 0; tries < 500 && !answer.starts_with("HTTP/1.1 200"); ++tries) {
    RawClient third(server->port());
    third.send(post("/echo", half + "\""));
    answer = third.receive_answer();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
}

TEST(ServerAbuse, RefusesFloodsOfHeaders) {
  const auto server = start();
  RawClient client(server->port());
  std::string flood = "GET /ok HTTP/1.1\r\nHost: localhost\r\n";
  for (int count = 0; count < 20'000; ++count) flood += "X-Flood: 1\r\n";
  client.send(flood);
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 431"));
  expect_alive(*server);
}

TEST(ServerAbuse, RefusesChunkHeadersThatNeverEnd) {
  const auto server = start();
  RawClient client(server->port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n1;" +
      std::string(200'000, 'x'));
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 400"));
}

TEST(ServerAbuse, ServesBesideTwoThousandIdleConnections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 4600) GTEST_SKIP() << "this machine allows too few descriptors";
  const auto server = start();
  std::vector<RawClient> idle;
  for (int count = 0; count < 2000; ++count) {
    idle.emplace_back(server->port());
    ASSERT_TRUE(idle.back().is_connected()) << count;
  }
  expect_alive(*server);
  EXPECT_GE(server->counts().connections, 2000);
}

TEST(ServerAbuse, TurnsAwayConnectionsBeyondItsLimit) {
  const auto server = start({.max_connections = 2});
  RawClient first(server->port());
  RawClient second(server->port());
  first.send(get("/ok"));
  first.receive_answer();
  second.send(get("/ok"));
  second.receive_answer();
  RawClient third(server->port());
  EXPECT_THAT(third.receive_all(), StartsWith("HTTP/1.1 503"));
  second.close();
  std::this_thread::sleep_for(milliseconds(50));
  expect_alive(*server);
}

TEST(ServerAbuse, BoundsWhatAClientSendsAheadOfAnAnswer) {
  const auto server = start();
  RawClient client(server->port());
  std::string requests;
  for (int count = 0; count < 2000; ++count) requests += get("/ok");
  std::thread sender([&] { client.send(requests); });
  int answers = 0;
  for (; answers < 2000; ++answers) {
    if (!client.receive_answer().starts_with("HTTP/1.1 200")) break;
  }
  sender.join();
  EXPECT_EQ(answers, 2000);
}

}  // namespace
}  // namespace pajamas::http
